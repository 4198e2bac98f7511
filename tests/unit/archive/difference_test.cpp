#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "archive/archive.hpp"
#include "sample.hpp"

namespace gainsweep::archive {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Table& named(Contents& contents, const std::string& path) {
  for (Table& table : contents.tables) {
    if (table.path == path) return table;
  }
  throw std::runtime_error("no table " + path);
}

std::vector<double>& errors(Contents& contents) {
  return std::get<std::vector<double>>(named(contents, "scores").fields[2].values);
}

TEST(Differences, NoneForEqualContentsWithNans) {
  EXPECT_THAT(differences(sample::small(), sample::small()), IsEmpty());
  EXPECT_THAT(measured_differences(sample::small(), sample::small()), IsEmpty());
}

TEST(Differences, NamesPlaceAndBothValues) {
  Contents a = sample::small();
  Contents b = sample::small();
  errors(a)[5] = 1.5;
  errors(b)[5] = 0.1;
  EXPECT_THAT(differences(a, b), ElementsAre("/scores/signed_error[1,2]: 1.5 against 0.1"));
}

TEST(Differences, ComparesBits) {
  Contents a = sample::small();
  Contents b = sample::small();
  errors(b)[1] = 0.0;
  EXPECT_THAT(differences(a, b), ElementsAre("/scores/signed_error[0,1]: -0 against 0"));
  b = sample::small();
  errors(b)[4] = std::nan("");
  EXPECT_THAT(differences(a, b),
              ElementsAre("/scores/signed_error[1,1]: nan (bits 7ff8000000000123) against nan "
                          "(bits 7ff8000000000000)"));
}

TEST(Differences, TextsTypesShapesAndDescriptions) {
  const Contents a = sample::small();
  Contents b = a;
  std::get<std::vector<std::string>>(named(b, "ops").fields[0].values)[1] = "k";
  named(b, "ops").fields[1].values = std::vector<double>{1, 2, 3};
  named(b, "scores").fields[2].shape = {3, 2};
  named(b, "edge/cases").fields[0].units = "s";
  named(b, "empty").long_name = "other";
  EXPECT_THAT(differences(a, b),
              ElementsAre("/ops/op[1]: \"\" against \"k\"", "/ops/macs: type int64 against float64",
                          "/scores/signed_error: shape [2,3] against [3,2]",
                          "/empty (long name): \"\" against \"other\"",
                          "/edge/cases/scalar (units): \"1\" against \"s\""));
}

TEST(Differences, WhatOnlyOneSideHas) {
  const Contents a = sample::small();
  Contents b = a;
  b.provenance.erase("empty");
  b.provenance["new"] = "1";
  named(b, "ops").fields.pop_back();
  named(b, "empty").path = "full";
  EXPECT_THAT(differences(a, b),
              ElementsAre("/provenance/empty: only in the first",
                          "/provenance/new: only in the second", "/ops/macs: only in the first",
                          "/empty: only in the first", "/full: only in the second"));
}

TEST(Differences, LongTextsAreShownWhereTheyDiffer) {
  const Contents a = sample::small();
  Contents b = a;
  b.provenance["spec"].back() = 'y';
  ASSERT_EQ(differences(a, b).size(), 1U);
  EXPECT_THAT(differences(a, b).front(), HasSubstr("xxy\""));
  EXPECT_LT(differences(a, b).front().size(), 200U);
}

TEST(Differences, MeasuredContentsAreComparedApart) {
  const Contents a = sample::small();
  Contents b = a;
  b.machine["host"] = "node-8";
  std::get<std::vector<double>>(named(b, "latency/class_0").fields[0].values)[3] = 5;
  EXPECT_THAT(differences(a, b), IsEmpty());
  EXPECT_THAT(measured_differences(a, b),
              ElementsAre("/measured/machine/host: \"node-7\" against \"node-8\"",
                          "/measured/latency/class_0/time[1,1]: 0.004 against 5"));
}

}  // namespace
}  // namespace gainsweep::archive
