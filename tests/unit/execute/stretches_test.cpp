// Scoring in stretches: the same numbers however a pass is cut, in the memory that is foretold.

#include "execute/stretches.hpp"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include <cmath>

#include "execute/footprint.hpp"
#include "execute/pace.hpp"
#include "execute/probe.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"
#include "model/decoder.hpp"

namespace gainsweep::execute {
namespace {

using graph::Segment;

model::Decoder decoder(std::int64_t scale) {
  model::Decoder decoder;
  decoder.family = "llama";
  decoder.hidden = 16 * scale;
  decoder.intermediate = 40 * scale;
  decoder.layers = 2;
  decoder.heads = 4;
  decoder.key_value_heads = 2;
  decoder.head_size = 4 * scale;
  decoder.vocabulary = 50 * scale;
  decoder.longest = 4096;
  return decoder;
}

/// A decoder of random weights, its probed graph and one sample.
struct Case {
  graph::Graph graph;
  std::vector<graph::Op> ops;
  graph::Graph probed;
  fixture::StoredModel model;
  Inputs inputs;

  Case(std::int64_t scale, std::int64_t length)
      : graph(model::build(decoder(scale), {1, length, {model::Output::mean_loss}})),
        ops(graph::quantizable_ops(graph)),
        probed(lower::probe(graph, ops)),
        model(weights(graph)),
        inputs(sample(50 * scale, length)) {}

  static std::map<std::string, fixture::Stored> weights(const graph::Graph& graph) {
    std::map<std::string, fixture::Stored> stored;
    for (const auto& value : graph.values) {
      if (value.kind != graph::ValueKind::parameter) continue;
      auto numbers = fixture::numbers(static_cast<std::size_t>(graph::num_elements(value.shape)),
                                      static_cast<unsigned>(stored.size()));
      const auto width = static_cast<float>(value.shape.back());
      for (auto& number : numbers) number *= 2 / std::sqrt(width);
      stored[value.name] = {value.shape, numbers};
    }
    return stored;
  }

  static Inputs sample(std::int64_t vocabulary, std::int64_t length) {
    const auto tokens = at::arange(length).mul(7919).remainder(vocabulary).view({1, length});
    return fixture::inputs_of({tokens, tokens.mul(31).add(1).remainder(vocabulary)});
  }

  Prober prober(Parameters& parameters, const std::vector<Segment>& pieces) const {
    auto format = format::by_name("int8");
    format.activation->scale = format::ScaleRule::dynamic_max;
    return {probed, ops, parameters, {format}, {}, pieces};
  }
};

/// The segments joined between any cuts: cut `i` stands behind segment `i` where bit `i` is set.
std::vector<Segment> cut_at(const graph::Graph& probed, std::size_t bits) {
  const auto segments = graph::segments(probed);
  std::vector<Segment> pieces, together;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    together.push_back(segments[i]);
    if (i + 1 < segments.size() && (bits >> i) % 2 == 0) continue;
    pieces.push_back(joined(probed, together));
    together.clear();
  }
  return pieces;
}

void expect_same_bits(const ProbeRecord& actual, const ProbeRecord& expected) {
  EXPECT_EQ(actual.loss, expected.loss);
  for (std::size_t op = 0; op < expected.operands.size(); ++op)
    for (std::size_t k = 0; k < expected.operands[op].size(); ++k) {
      const auto &a = actual.operands[op][k], &e = expected.operands[op][k];
      EXPECT_GT(e.sensitivity, 0);
      EXPECT_EQ(a.sensitivity, e.sensitivity) << "op " << op << ", operand " << k;
      EXPECT_EQ(a.signed_error, e.signed_error);
      EXPECT_EQ(a.square_error, e.square_error);
      EXPECT_EQ(a.step_norm, e.step_norm);
    }
}

class Scoring : public ::testing::TestWithParam<Precision> {};

TEST_P(Scoring, GivesTheSameBitsForEveryCut) {
  const Case tiny(1, 12);
  auto parameters = tiny.model.parameters(GetParam());
  const auto expected = tiny.prober(parameters, {}).probe(tiny.inputs);
  const auto num_segments = graph::segments(tiny.probed).size();
  ASSERT_EQ(num_segments, 6U);
  for (std::size_t bits = 0; bits < std::size_t{1} << (num_segments - 1); ++bits) {
    SCOPED_TRACE("cuts " + std::to_string(bits));
    auto prober = tiny.prober(parameters, cut_at(tiny.probed, bits));
    expect_same_bits(prober.probe(tiny.inputs), expected);
    expect_same_bits(prober.probe(tiny.inputs), expected);
  }
}

/// What LibTorch's allocator hands out on this thread while it lives.
class Meter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override {
    now_ += size;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t now_ = 0, peak_ = 0;
};

std::int64_t bytes_taken(Prober& prober, const Inputs& inputs) {
  const auto meter = std::make_shared<Meter>();
  const c10::DebugInfoGuard metering(c10::DebugInfoKind::PROFILER_STATE, meter);
  prober.probe(inputs);
  return meter->peak();
}

TEST_P(Scoring, TakesTheBytesThatAreForetold) {
  const Case large(16, 256);
  auto parameters = large.model.parameters(GetParam());
  const auto whole = stretches(large.probed, GetParam());
  const auto least = stretches(large.probed, GetParam(), 0);
  EXPECT_EQ(whole.pieces.size(), 1U);
  EXPECT_GT(least.pieces.size(), 1U);
  EXPECT_LT(least.bytes, 0.8 * static_cast<double>(whole.bytes));
  for (const auto& plan : {whole, least}) {
    auto prober = large.prober(parameters, plan.pieces);
    prober.probe(large.inputs);
    const auto taken = static_cast<double>(bytes_taken(prober, large.inputs));
    EXPECT_NEAR(static_cast<double>(plan.bytes) / taken, 1, 0.1)
        << plan.bytes << " bytes foretold, " << taken << " taken in " << plan.pieces.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, Scoring,
                         ::testing::Values(Precision::fp32, Precision::bf16, Precision::fp64),
                         [](const auto& test) {
                           return std::string(test.param == Precision::fp64 ? "fp64"
                                                                            : spelling(test.param));
                         });

TEST(Stretches, FitTheBudgetWithTheFewestCallsRunTwice) {
  const Case tiny(4, 64);
  const auto whole = stretches(tiny.probed, Precision::fp32);
  const auto least = stretches(tiny.probed, Precision::fp32, 0);
  std::size_t last = 1;
  for (int percent = 100; percent > 0; --percent) {
    const auto budget = whole.bytes * percent / 100;
    const auto found = stretches(tiny.probed, Precision::fp32, budget);
    EXPECT_GE(found.pieces.size(), last);
    if (budget >= least.bytes) {
      EXPECT_LE(found.bytes, budget);
    } else {
      EXPECT_EQ(found.bytes, least.bytes);
    }
    last = found.pieces.size();
  }
  EXPECT_EQ(last, least.pieces.size());
}

// Whatever a segment reads or hands on: rows of a table, values, the scalar loss.
TEST(Pace, IsTakenOfEverySegmentAlone) {
  Case one(1, 12);
  auto parameters = one.model.parameters();
  const auto segments = graph::segments(one.probed);
  ASSERT_GT(segments.size(), 3U);
  std::vector<std::vector<float>> maxima;
  for (const auto& op : one.ops) maxima.emplace_back(op.operands.size(), 1.0F);
  for (const auto& segment : segments) {
    const auto scored =
        scored_pace(one.probed, segment, one.ops, {format::by_name("int8")}, maxima, parameters);
    EXPECT_GT(scored.run, 0);
    EXPECT_GE(scored.once, 0);
    EXPECT_GT(forward_pace(graph::extract(one.probed, segment), parameters).run, 0);
  }
}

}  // namespace
}  // namespace gainsweep::execute
