#include <gtest/gtest.h>

#include "base/error.hpp"
#include "spec/read.hpp"
#include "unit/throws.hpp"

namespace gainsweep::spec {
namespace {

constexpr const char* whole = R"(
schema: 2
name: whole
model: {checkpoint: m}
calibration: {tokens: t.h5, samples: 32}
formats: {high: bf16, low: [int8, fp8_e4m3], int8: {scale: dynamic}}
solve: {objectives: [macs], thresholds: [0.1], strategies: [ip]}
)";

std::vector<Point> points_of(const std::string& sweep) {
  return read_points(whole + sweep, "spec.yaml");
}

std::vector<std::string> texts_of(const std::vector<Point>& points) {
  std::vector<std::string> texts;
  for (const auto& point : points) texts.push_back(text_of(point.parameters));
  return texts;
}

TEST(Sweep, IsOnePointWithoutParametersWhereNoneIsWritten) {
  const auto points = points_of("");
  ASSERT_EQ(points.size(), 1u);
  EXPECT_TRUE(points[0].parameters.empty());
  EXPECT_EQ(resolved(points[0].spec), resolved(read(whole, "spec.yaml")));
}

std::string refusal_of(const std::string& text) {
  try {
    read_points(text, "spec.yaml");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

// Each would take minutes or gigabytes if nothing bounded it.
TEST(Sweep, LargeSpecsAtManyPointsAreRefused) {
  std::string groups;
  while (groups.size() < 40000) groups += "[a, b], ";
  const std::string large = std::string(whole) + "partition: {merge: [" + groups + "[a, b]]}\n";
  EXPECT_EQ(read_points(large, "spec.yaml").size(), 1u);
  std::string seeds;
  for (int seed = 0; seed < 1000; ++seed) seeds += std::to_string(seed) + ", ";
  const auto refusal = refusal_of(large + "sweep: {product: {seed: [" + seeds + "]}}");
  EXPECT_NE(refusal.find("sweep: 1000 points of a spec of"), std::string::npos) << refusal;
  std::string unknown;
  for (int key = 0; key < 60000; ++key) unknown += "k" + std::to_string(key) + ": 1\n";
  EXPECT_NE(refusal_of(whole + unknown).find("and 59950 more problems"), std::string::npos);
}

TEST(Sweep, CombinesAProductLastKeyFastest) {
  const auto points = points_of(
      "sweep: {product: {calibration.samples: [8, 16], solve.strategies: [[ip], [prefix, ip], [ip, "
      "random]]}}");
  EXPECT_EQ(texts_of(points), (std::vector<std::string>{
                                  "calibration.samples = 8, solve.strategies = [ip]",
                                  "calibration.samples = 8, solve.strategies = [prefix, ip]",
                                  "calibration.samples = 8, solve.strategies = [ip, random]",
                                  "calibration.samples = 16, solve.strategies = [ip]",
                                  "calibration.samples = 16, solve.strategies = [prefix, ip]",
                                  "calibration.samples = 16, solve.strategies = [ip, random]"}));
  EXPECT_EQ(points[3].spec.calibration.samples, 16);
  EXPECT_EQ(points[4].spec.solve.strategies, (std::vector<std::string>{"prefix", "ip"}));
}

TEST(Sweep, ZipsKeysAndCombinesThemWithTheProduct) {
  const auto points = points_of(
      "sweep:\n  zip: {solve.loss_model: [first_order, bias], solve.noise: [paper, empirical]}\n"
      "  product: {seed: [1, 2]}");
  EXPECT_EQ(texts_of(points), (std::vector<std::string>{
                                  "solve.loss_model = first_order, solve.noise = paper, seed = 1",
                                  "solve.loss_model = first_order, solve.noise = paper, seed = 2",
                                  "solve.loss_model = bias, solve.noise = empirical, seed = 1",
                                  "solve.loss_model = bias, solve.noise = empirical, seed = 2"}));
}

// A point is what the spec would be with the value written in place.
TEST(Sweep, PutsEveryKindOfValueWhereItBelongs) {
  const std::vector<std::pair<std::string, std::string>> leaves_and_values{
      {"model.checkpoint", "other"},
      {"calibration.length", "77"},
      {"formats.low", "[fp8_e4m3, int8]"},
      {"formats.int8.scale", "static"},
      {"formats.int8.backoff", "{activation: 0.5, weight: 0.75}"},
      {"partition.merge", "[[\"layers.*.q\", \"layers.*.k\"]]"},
      {"latency.each_member", "true"},
      {"evaluate.tokens", "null"},
      {"target.mac_rates", "{int8: 3}"},
      {"solve.thresholds", "{geometric: {from: 0.01, to: 0.1, count: 3}}"}};
  for (const auto& [leaf, value] : leaves_and_values) {
    const auto points = points_of("sweep: {product: {" + leaf + ": [" + value + "]}}");
    ASSERT_EQ(points.size(), 1u) << leaf;
    EXPECT_EQ(points[0].parameters[0].first, leaf);
    const auto shown = resolved(points[0].spec);
    EXPECT_NE(shown.find(" " + points[0].parameters[0].second + "\n"), std::string::npos) << shown;
  }
  EXPECT_EQ(points_of("sweep: {product: {calibration.length: [77]}}")[0].spec.calibration.length,
            77);
}

TEST(Sweep, LetsPointsDoWithoutFormatsThatTheSpecSpeaksOf) {
  const auto points = points_of("sweep: {product: {formats.low: [[int8], [fp8_e4m3]]}}");
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1].spec.formats.formats[1].name, "fp8_e4m3");
}

TEST(Sweep, IsNoSingleSpec) {
  EXPECT_THAT([] { read(std::string(whole) + "sweep: {product: {seed: [1, 2]}}", "spec.yaml"); },
              throws(ErrorKind::config, "spec.yaml: a sweep of 2 points"));
}

}  // namespace
}  // namespace gainsweep::spec
