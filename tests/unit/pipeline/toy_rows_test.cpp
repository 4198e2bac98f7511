// A device and a target that a test adds to the tables: everything finds them by name.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archive/decoder.hpp"
#include "archive/field.hpp"
#include "execute/probe.hpp"
#include "parallel/device.hpp"
#include "pipeline/contest.hpp"
#include "pipeline/scales.hpp"
#include "pipeline/subject.hpp"
#include "pipeline/workbench.hpp"
#include "spec/read.hpp"
#include "unit/execute/same_scores.hpp"
#include "unit/lower/toy_target.hpp"
#include "unit/throws.hpp"

namespace gainsweep::pipeline {
namespace {

/// The CPU under another name: a card with two places, without fused probes.
execute::Device toy_device() {
  auto toy = execute::devices().at("cpu");
  toy.name = "toy";
  toy.target = [] { return std::string("toy_matmuls"); };
  toy.visible = [] { return std::vector<std::string>{"a", "b"}; };
  toy.identity = [] { return execute::Identity{"Toy 2", "driver 1", ""}; };
  toy.kernels = [](const execute::LinearShape&, execute::Precision) {
    return std::vector<std::string>{"int8 toy"};
  };
  toy.lacks = [](graph::OpKind, const format::Format&) { return std::string(); };
  toy.state = [] {
    execute::CardState state;
    state.clock_hz = 1e9;
    return state;
  };
  toy.flushed_bytes = [] { return std::size_t{1} << 16; };
  toy.fused_probes = false;
  toy.shared_by_ranks = false;
  return toy;
}

spec::Spec spec_of(const std::string& device) {
  const std::string source = GAINSWEEP_SOURCE_DIR;
  return spec::read("schema: 2\nname: toy\ndevice: " + device + "\nmodel: {checkpoint: " + source +
                        "/configs/models/embedded}\ncalibration: {tokens: " + source +
                        "/configs/data/embedded.h5, samples: 2, length: 16, scale_samples: 2}\n"
                        "formats: {high: fp32, low: [int8, fp8_e4m3]}\n"
                        "latency: {length: 16}\n"
                        "solve: {objectives: [time, macs], thresholds: [0.1], strategies: [ip]}\n"
                        "evaluate: {samples: 1}\n",
                    "toy.yaml");
}

Subject subject_of(const std::string& device) {
  const auto spec = spec_of(device);
  execute::start(execute::devices().at(device), spec.threads);
  Shelf shelf;
  auto subject = open(spec, shelf, model::Weights::needed, execute::devices().at(device));
  subject.model_digest = "model";
  return subject;
}

/// The first sample's scores, dynamic scales.
execute::ProbeRecord score(const Subject& subject) {
  execute::Parameters parameters(*subject.model, *subject.device, execute::Precision::fp32);
  const auto& ops = subject.layout.partition.ops;
  auto formats = subject.layout.formats;
  formats.erase(formats.begin());
  for (auto& format : formats) format.activation->scale = format::ScaleRule::dynamic_max;
  lower::Maxima maxima;
  add_weights(maxima, look_at_weights(subject), ops);
  execute::Prober prober(lower::probe(*subject.graph, ops), ops, parameters, formats, maxima);
  return prober.probe(execute::make_inputs(*subject.graph, subject.calibration->set.load(0),
                                           subject.model->inputs, *subject.device));
}

TEST(ToyRows, AreFoundByName) {
  const auto subject = subject_of("toy");
  EXPECT_EQ(subject.device->name, "toy");
  EXPECT_EQ(subject.target->name, "toy_matmuls");
  EXPECT_EQ(subject.environment.device_name, "Toy 2");
  EXPECT_EQ(subject.untimed, "") << "it has kernels, whatever this processor lacks";
  for (std::size_t op = 0; op < subject.layout.partition.ops.size(); ++op)
    EXPECT_EQ(subject.layout.real_formats[op].size(),
              subject.layout.partition.ops[op].kind == graph::OpKind::matmul ? 2U : 1U);
}

TEST(ToyRows, GiveUnitsKeysOfTheirOwn) {
  const auto toy = computing(subject_of("toy"));
  auto renamed = computing(subject_of("cpu"));
  const key::Sample sample{"tokens", 1};
  renamed.device = "toy";
  EXPECT_NE(key::observe(toy, "fp32", sample), key::observe(renamed, "fp32", sample))
      << "the card and its software are in no key";
  renamed.identity = toy.identity;
  EXPECT_EQ(key::observe(toy, "fp32", sample), key::observe(renamed, "fp32", sample));
}

TEST(ToyRows, GiveEachRankAPlaceOfItsOwn) {
  const auto visible = execute::devices().at("toy").visible();
  const std::vector<parallel::DeviceView> node{{0, visible}, {1, visible}, {2, visible}};
  EXPECT_EQ(parallel::device_of(1, node, "toy", "n1"), 1U);
  EXPECT_ERROR(parallel::device_of(2, node, "toy", "n1"), ErrorKind::environment,
               "would share toy device");
}

TEST(ToyRows, AreFlushedAndAskedHowTheyAreDoingWhileTheyAreTimed) {
  Workbench bench(std::make_shared<const Subject>(subject_of("toy")));
  const auto& subject = *bench.subject;
  prepare(bench, graph::Assignment(subject.layout.partition.ops.size(), high_format), "plan", {});
  EXPECT_TRUE(bench.timed.contest->flush);
  const auto fields = run_round(bench, 0);
  const auto& clocks = archive::reals(fields, "card_clock");
  const auto blocks = subject.spec.latency.rule.least_repetitions;
  EXPECT_EQ(clocks, std::vector<double>(static_cast<std::size_t>(2 * blocks), 1e9));
}

TEST(ToyRows, ScoreOnPlainOperatorsAsTheCpuDoes) {
  execute::expect_plain_as_fused(score(subject_of("toy")), score(subject_of("cpu")));
}

}  // namespace
}  // namespace gainsweep::pipeline

int main(int argc, char** argv) {
  gainsweep::archive::serve_if_decoder(argc, argv);
  gainsweep::lower::targets().add(gainsweep::lower::toy_target());
  gainsweep::execute::devices().add(gainsweep::pipeline::toy_device());
  ::testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
