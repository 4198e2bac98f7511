#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "config/spec.hpp"

namespace gainsweep::config {
namespace {

template <class Enum>
class Spelling : public ::testing::Test {};

using Enums =
    ::testing::Types<Noise, Precision, Device, LatencyScope, LossModel, Objective, Strategy,
                     graph::PartitionRule, format::ScaleRule, format::Granularity>;
TYPED_TEST_SUITE(Spelling, Enums);

TYPED_TEST(Spelling, GoesFromValueToTextToValue) {
  std::set<std::string> texts;
  int next = 0;
  for (const TypeParam value : enumerators<TypeParam>()) {
    EXPECT_EQ(static_cast<int>(value), next++);  // all of them, in the order of declaration
    EXPECT_EQ(enumerator<TypeParam>(spelling(value)), value);
    texts.insert(spelling(value));
  }
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(next));
  EXPECT_GE(next, 2);
}

TYPED_TEST(Spelling, RefusesOtherTexts) {
  for (const char* text : {"", "none of them", "MODEL"}) {
    try {
      enumerator<TypeParam>(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::config);
    }
  }
}

TEST(Spelling, HintsAtTheNearest) {
  try {
    enumerator<Noise>("emprical");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_STREQ(
        error.what(),
        "'emprical' is not one of empirical, paper, log_uniform. Did you mean 'empirical'?");
  }
}

}  // namespace
}  // namespace gainsweep::config
