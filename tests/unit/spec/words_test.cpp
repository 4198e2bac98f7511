#include <gtest/gtest.h>

#include <set>

#include "spec/spec.hpp"
#include "unit/throws.hpp"

namespace gainsweep::spec {
namespace {

template <class Enum>
class Spelling : public ::testing::Test {};

using Enums =
    ::testing::Types<execute::Precision, latency::Scope, gain::Counting, graph::PartitionRule,
                     format::ScaleRule, format::Granularity, Arithmetic>;
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
  for (const char* text : {"", "none of them", "MODEL"})
    EXPECT_THAT([&] { enumerator<TypeParam>(text); }, throws(ErrorKind::config, "is not one of"));
}

}  // namespace
}  // namespace gainsweep::spec
