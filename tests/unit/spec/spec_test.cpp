#include <gtest/gtest.h>

#include <cmath>

#include "files.hpp"
#include "spec/read.hpp"
#include "unit/throws.hpp"

namespace gainsweep::spec {
namespace {

constexpr const char* least = R"(
schema: 2
name: least
model: {checkpoint: m}
calibration: {tokens: t.h5}
formats: {high: bf16, low: [int8]}
solve: {objectives: [macs], thresholds: [0.1], strategies: [ip]}
)";

/// The least spec with the line of a key replaced, or a line added for another one.
std::string with(const std::string& line) {
  std::string text = least;
  const std::string key = "\n" + line.substr(0, line.find(':') + 1);
  const std::size_t start = text.find(key);
  if (start == std::string::npos) return text + line + "\n";
  return text.replace(start + 1, text.find('\n', start + 1) - start - 1, line);
}

Spec spec_with(const std::string& line) {
  return read(with(line), "spec.yaml");
}

TEST(Spec, LeavesDefaultsWhereNothingIsWritten) {
  const Spec spec = read(least, "spec.yaml");
  EXPECT_EQ(spec.calibration.samples, 64);
  EXPECT_EQ(spec.latency.rule.repetitions, 40);
  EXPECT_EQ(spec.threads, 1);
  EXPECT_EQ(spec.partition.configuration_limit, 1024u);
  EXPECT_FALSE(spec.evaluate.tokens);
  EXPECT_FALSE(spec.partition.tie);
  ASSERT_EQ(spec.formats.formats.size(), 2u);
  EXPECT_EQ(spec.formats.formats[0].name, "bf16");
  EXPECT_EQ(spec.formats.formats[1].weight.granularity, format::Granularity::channel);
}

TEST(Spec, TiesNothingOrWhatTheFamilyTies) {
  const auto of_family = spec_with("partition: {tie: null}");
  const auto nothing = spec_with("partition: {tie: []}");
  EXPECT_FALSE(of_family.partition.tie);
  EXPECT_EQ(nothing.partition.tie, std::vector<std::string>{});
  EXPECT_THAT(resolved(of_family), ::testing::HasSubstr("tie: null\n"));
  EXPECT_THAT(resolved(nothing), ::testing::HasSubstr("tie: []\n"));
}

TEST(Spec, ReadsEveryKey) {
  const Spec spec = read(R"(
schema: 2
name: every-key_1.0
model: {checkpoint: /models/a b}
calibration: {tokens: "12", samples: 9, length: 10, scale_samples: 3}
formats:
  high: fp32
  low: [fp8_e4m3_gaudi2, bf16, int8]
  fp8_e4m3_gaudi2: {scale: dynamic, backoff: {activation: 0.125, weight: 0.75}, granularity: channel,
                    scale_grid: power_of_two}
  int8: {scale: static, backoff: 0.5, granularity: tensor}
partition:
  rule: single
  merge: [["layers.*.attention.q", "*.k"], ["lm_head", norm]]
  split: ["*.o"]
  tie: ["experts.*.gate"]
  late: [time]
  configuration_limit: 64
sensitivity: {precision: fp32}
device: cpu
latency: {source: measured, scope: subgraph, batch: 3, length: 11, warmup: 0, repetitions: 7,
          least_repetitions: 4, precision: 0.1, confidence: 0.9, budget_seconds: 1.5, each_member: true}
threads: 5
seed: 9007199254740991
target: {mac_rates: {fp32: 1, int8: 3.5}}
solve: {loss_model: first_order, noise: paper, objectives: [memory, time],
        thresholds: {linear: {from: 0.1, to: 0.3, count: 3}}, strategies: [random, prefix], seed: 23,
        draws: 17, frontier: false}
evaluate: {samples: 21, tokens: other.h5, strategies: [prefix], every: 2, time: false}
)",
                         "spec.yaml");
  EXPECT_EQ(spec.name, "every-key_1.0");
  EXPECT_EQ(spec.model.checkpoint, "/models/a b");
  EXPECT_EQ(spec.calibration.tokens, "12");
  EXPECT_EQ(spec.calibration.samples, 9);
  EXPECT_EQ(spec.calibration.length, 10);
  EXPECT_EQ(spec.calibration.scale_samples, 3);
  ASSERT_EQ(spec.formats.formats.size(), 4u);
  EXPECT_EQ(spec.formats.formats[0].name, "fp32");
  EXPECT_EQ(spec.formats.formats[0].weight.bits, 32);
  EXPECT_EQ(spec.formats.formats[0].weight.scale, format::ScaleRule::fixed);
  const auto& gaudi2 = spec.formats.formats[1];
  EXPECT_EQ(gaudi2.name, "fp8_e4m3_gaudi2");
  EXPECT_EQ(gaudi2.weight.grid.max, 240);
  EXPECT_EQ(gaudi2.activation->scale, format::ScaleRule::dynamic_max);
  EXPECT_EQ(gaudi2.activation->backoff, 0.125);
  EXPECT_EQ(gaudi2.weight.backoff, 0.75);
  EXPECT_EQ(gaudi2.weight.granularity, format::Granularity::channel);
  EXPECT_EQ(gaudi2.weight.scale_grid, "power_of_two");
  EXPECT_EQ(spec.formats.formats[2].name, "bf16");
  const auto& int8 = spec.formats.formats[3];
  EXPECT_EQ(int8.activation->scale, format::ScaleRule::static_max);
  EXPECT_EQ(int8.activation->backoff, 0.5);
  EXPECT_EQ(int8.weight.backoff, 0.5);
  EXPECT_EQ(int8.weight.granularity, format::Granularity::tensor);
  EXPECT_EQ(int8.weight.scale_grid, "arbitrary");
  EXPECT_EQ(spec.partition.rule, graph::PartitionRule::single);
  EXPECT_EQ(spec.partition.merge, (std::vector<std::vector<std::string>>{
                                      {"layers.*.attention.q", "*.k"}, {"lm_head", "norm"}}));
  EXPECT_EQ(spec.partition.split, std::vector<std::string>{"*.o"});
  EXPECT_EQ(spec.partition.tie, std::vector<std::string>{"experts.*.gate"});
  EXPECT_EQ(spec.partition.late, std::vector<std::string>{"time"});
  EXPECT_EQ(spec.partition.configuration_limit, 64u);
  EXPECT_EQ(spec.sensitivity.precision, execute::Precision::fp32);
  EXPECT_EQ(spec.device, "cpu");
  EXPECT_EQ(spec.latency.source, "measured");
  EXPECT_EQ(spec.latency.scope, latency::Scope::subgraph);
  EXPECT_EQ(spec.latency.batch, 3);
  EXPECT_EQ(spec.latency.length, 11);
  EXPECT_EQ(spec.latency.rule.warmup, 0);
  EXPECT_EQ(spec.latency.rule.repetitions, 7);
  EXPECT_EQ(spec.latency.rule.least_repetitions, 4);
  EXPECT_EQ(spec.latency.rule.precision, 0.1);
  EXPECT_EQ(spec.latency.rule.confidence, 0.9);
  EXPECT_EQ(spec.latency.rule.budget_seconds, 1.5);
  EXPECT_TRUE(spec.latency.each_member);
  EXPECT_EQ(spec.threads, 5);
  EXPECT_EQ(spec.seed, 9007199254740991);
  EXPECT_EQ(spec.target.mac_rates, (std::map<std::string, double>{{"fp32", 1}, {"int8", 3.5}}));
  EXPECT_EQ(spec.solve.loss_model, "first_order");
  EXPECT_EQ(spec.solve.noise, "paper");
  EXPECT_EQ(spec.solve.objectives, (std::vector<std::string>{"memory", "time"}));
  EXPECT_EQ(spec.solve.thresholds, (std::vector<double>{0.1, 0.1 + (0.3 - 0.1) / 2, 0.3}));
  EXPECT_EQ(spec.solve.strategies, (std::vector<std::string>{"random", "prefix"}));
  EXPECT_EQ(spec.solve.seed, 23);
  EXPECT_EQ(spec.solve.draws, 17);
  EXPECT_FALSE(spec.solve.frontier);
  EXPECT_EQ(spec.evaluate.samples, 21);
  EXPECT_EQ(spec.evaluate.tokens, "other.h5");
  EXPECT_EQ(spec.evaluate.strategies, std::vector<std::string>{"prefix"});
  EXPECT_EQ(spec.evaluate.every, 2);
  EXPECT_FALSE(spec.evaluate.time);
  const std::string text = resolved(spec);
  EXPECT_EQ(resolved(read(text, "resolved.yaml")), text);
  EXPECT_NE(text.find("backoff: {activation: 0.125, weight: 0.75}"), std::string::npos) << text;
}

TEST(Spec, DefaultsFitWhatIsWritten) {
  EXPECT_EQ(spec_with("calibration: {tokens: t.h5, samples: 2}").calibration.scale_samples, 2);
  EXPECT_EQ(spec_with("calibration: {tokens: t.h5, samples: 9}").calibration.scale_samples, 8);
  EXPECT_EQ(spec_with("latency: {repetitions: 5}").latency.rule.least_repetitions, 5);
  const auto solving = [](const std::string& more) {
    return spec_with("solve: {objectives: [macs], thresholds: [0.1], " + more + "}\nseed: 7");
  };
  EXPECT_EQ(solving("strategies: [random, prefix]").evaluate.strategies,
            std::vector<std::string>{"random"});
  EXPECT_EQ(solving("strategies: [random, ip]").evaluate.strategies,
            std::vector<std::string>{"ip"});
  EXPECT_EQ(solving("strategies: [ip], noise: paper").solve.loss_model, "first_order");
  EXPECT_EQ(solving("strategies: [ip], noise: paper, loss_model: bias").solve.loss_model, "bias");
  EXPECT_NE(solving("strategies: [ip], noise: empirical").solve.loss_model, "first_order");
  EXPECT_EQ(solving("strategies: [ip]").solve.seed, 7);
  EXPECT_EQ(solving("strategies: [ip], seed: 3").solve.seed, 3);
}

TEST(Spec, ADefaultThatFitsIsWrittenOutAtEachPoint) {
  const auto points = read_points(
      with("sweep: {product: {calibration.samples: [2, 4], seed: [5, 6]}}"), "spec.yaml");
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[0].spec.calibration.scale_samples, 2);
  EXPECT_EQ(points[2].spec.calibration.scale_samples, 4);
  EXPECT_EQ(points[1].spec.solve.seed, 6);
  EXPECT_EQ(resolved(read(resolved(points[1].spec), "again")), resolved(points[1].spec));
}

TEST(Spec, AGeometricProgressionKeepsItsEndsAndRatio) {
  const auto values = spec_with(
                          "solve: {objectives: [macs], strategies: [ip],"
                          " thresholds: {geometric: {from: 1.0e-4, to: 3e-2, count: 15}}}")
                          .solve.thresholds;
  ASSERT_EQ(values.size(), 15u);
  EXPECT_EQ(values.front(), 1e-4);
  EXPECT_EQ(values.back(), 3e-2);
  for (std::size_t i = 1; i < values.size(); ++i) {
    EXPECT_NEAR(values[i] / values[i - 1], std::pow(300.0, 1.0 / 14), 1e-12);
  }
}

TEST(Spec, ResolvedWritesEveryDefault) {
  const std::string text = resolved(read(least, "spec.yaml"));
  for (const char* line :
       {"  scale_samples: 8\n", "  configuration_limit: 1024\n", "experiment: plan\n",
        "device: cpu\n", "  budget_seconds: 60\n", "  mac_rates: {}\n",
        "    granularity: channel\n", "  tokens: null\n", "  frontier: true\n", "seed: 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_EQ(text.find("fp8"), std::string::npos);  // nothing about formats that are not in use
}

TEST(Spec, ResolvedKeepsAwkwardNumbersAndTexts) {
  Spec spec = read(least, "spec.yaml");
  spec.solve.thresholds = {std::nextafter(0.0, 1.0), 0.1, std::nextafter(0.1, 1.0),
                           std::nextafter(1.0, 0.0), 1.0};
  spec.model.checkpoint = "a \"b\\ #c: 'd' é";
  spec.calibration.tokens = "yes";
  spec.evaluate.tokens = "null";
  spec.partition.split = {"*", "&a", "1.5", "- x", "a, b", "[c]"};
  const Spec again = read(resolved(spec), "resolved.yaml");
  EXPECT_EQ(again.solve.thresholds, spec.solve.thresholds);
  EXPECT_EQ(again.model.checkpoint, spec.model.checkpoint);
  EXPECT_EQ(again.calibration.tokens, spec.calibration.tokens);
  EXPECT_EQ(again.evaluate.tokens, spec.evaluate.tokens);
  EXPECT_EQ(again.partition.split, spec.partition.split);
}

TEST(Spec, MacRatesFollowTheBitsUnlessWritten) {
  const std::string formats = with("formats: {high: bf16, low: [int8, fp8_e5m2]}");
  const Spec bf16 = read(formats + "target: {mac_rates: {fp8_e5m2: 1.75}}\n", "spec.yaml");
  EXPECT_EQ(mac_rate(bf16, bf16.formats.formats[0]), 1);
  EXPECT_EQ(mac_rate(bf16, bf16.formats.formats[1]), 2);
  EXPECT_EQ(mac_rate(bf16, bf16.formats.formats[2]), 1.75);
  const Spec fp32 = spec_with("formats: {high: fp32, low: [bf16, int8]}");
  EXPECT_EQ(mac_rate(fp32, fp32.formats.formats[0]), 1);
  EXPECT_EQ(mac_rate(fp32, fp32.formats.formats[1]), 2);
  EXPECT_EQ(mac_rate(fp32, fp32.formats.formats[2]), 4);
}

TEST(Spec, WeightsOfUint8AreThoseOfInt8) {
  const Spec spec = spec_with(
      "formats: {high: bf16, low: [uint8], int8: {granularity: tensor, scale: dynamic}, "
      "uint8: {backoff: 0.5, scale_grid: power_of_two}}");
  const auto& uint8 = spec.formats.formats.at(1);
  EXPECT_EQ(uint8.weight.name, "int8");
  EXPECT_EQ(uint8.weight.granularity, format::Granularity::tensor);
  EXPECT_EQ(uint8.weight.backoff, 1);
  EXPECT_EQ(uint8.activation->name, "uint8");
  EXPECT_EQ(uint8.activation->scale, format::ScaleRule::static_max);
  EXPECT_EQ(uint8.activation->backoff, 0.5);
  EXPECT_EQ(uint8.activation->scale_grid, "power_of_two");
  const auto again = read(resolved(spec), "again.yaml").formats.formats.at(1);
  EXPECT_EQ(again.weight.granularity, uint8.weight.granularity);
  EXPECT_EQ(again.activation->backoff, uint8.activation->backoff);
}

TEST(Spec, AByteOrderMarkAndWindowsLineEndsAreFine) {
  std::string text = "\xEF\xBB\xBF";
  for (const char c : std::string(least)) text += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(resolved(read(text, "spec.yaml")), resolved(read(least, "spec.yaml")));
}

TEST(Spec, RefusesAFileLargerThanASpecCanBe) {
  EXPECT_THAT([] { read(std::string(least) + std::string(1 << 20, '#'), "spec.yaml"); },
              throws(ErrorKind::config, "more than 1048576 bytes (a spec is not that long)"));
}

TEST(Spec, CutsAFloodOfProblemsShort) {
  std::string text = least;
  for (int i = 0; i < 1000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  EXPECT_THAT([&] { read(text, "spec.yaml"); },
              throws(ErrorKind::config, "spec.yaml: and 950 more problems."));
}

/// Every spec that the project ships.
class ShippedSpec : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(ShippedSpec, ReadsAndSurvivesItsResolvedForm) {
  for (const auto& point : load_points(GetParam())) {
    const std::string text = resolved(point.spec);
    EXPECT_EQ(resolved(read(text, "resolved.yaml")), text);
  }
}

INSTANTIATE_TEST_SUITE_P(Configs, ShippedSpec, ::testing::ValuesIn(testing::specs_in("configs")),
                         [](const auto& test) { return test.param.stem().string(); });

}  // namespace
}  // namespace gainsweep::spec
