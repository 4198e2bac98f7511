// Plans run segment by segment against whole programs, on the embedded model.

#include "pipeline/relay.hpp"

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>
#include <torch/library.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "archive/decoder.hpp"
#include "graph/segments.hpp"
#include "pipeline/course.hpp"
#include "pipeline/scales.hpp"
#include "spec/read.hpp"
#include "unit/throws.hpp"

namespace gainsweep::pipeline {
namespace {

constexpr std::size_t plenty = std::size_t{1} << 30;

execute::Parameters* looked_at = nullptr;
std::size_t most_owned = 0;

/// Notes what weights are alive while a program runs.
at::Tensor look(const at::Tensor& x) {
  if (looked_at != nullptr) most_owned = std::max(most_owned, looked_at->bytes_owned());
  return x.clone();
}

TORCH_LIBRARY(gainsweep_relay_test, m) {
  m.def("look", look);
}

spec::Spec spec_of() {
  const std::string source = GAINSWEEP_SOURCE_DIR;
  return spec::read("schema: 2\nname: relay\nmodel: {checkpoint: " + source +
                        "/configs/models/embedded}\ncalibration: {tokens: " + source +
                        "/configs/data/embedded.h5, samples: 2, length: 16, scale_samples: 2}\n"
                        "formats: {high: bf16, low: [int8, fp8_e4m3]}\n"
                        "solve: {objectives: [macs], thresholds: [0.1], strategies: [ip]}\n"
                        "evaluate: {samples: 3}\n",
                    "relay.yaml");
}

const std::shared_ptr<const Subject>& subject() {
  static const auto opened = [] {
    const auto spec = spec_of();
    execute::start(execute::devices().at("cpu"), spec.threads);
    Shelf shelf;
    return std::make_shared<const Subject>(
        open(spec, shelf, model::Weights::needed, execute::devices().at("cpu")));
  }();
  return opened;
}

lower::Maxima maxima() {
  const auto& ops = subject()->layout.partition.ops;
  static const auto weights = look_at_weights(*subject());
  lower::Maxima made;
  add_weights(made, weights, ops);
  for (std::size_t op = 0; op < ops.size(); ++op)
    for (std::size_t k = 0; k < made[op].size(); ++k)
      if (ops[op].operands[k].role == graph::OperandRole::activation)
        made[op][k] = 3.0F + static_cast<float>(op);
  return made;
}

Batch batch_of(std::size_t count, const std::string& digest = "batch") {
  Batch batch{subject()->evaluation.get(), {}, digest};
  for (std::size_t i = 0; i < count; ++i) batch.samples.push_back(i);
  return batch;
}

/// Losses and scores of samples by plan.
using Found = std::vector<std::vector<execute::Outcome>>;

Found relayed(Relay& relay, const Batch& batch, const std::vector<Rounding>& roundings,
              const Room& room, const std::vector<std::string>& ahead = {}) {
  const std::vector<std::string_view> next(ahead.begin(), ahead.end());
  Found found(roundings.size());
  relay.run(batch, roundings, maxima(), next, room,
            [&](std::size_t, const model::Sample&, std::span<const execute::Outcome> outcomes) {
              for (std::size_t r = 0; r < outcomes.size(); ++r) found[r].push_back(outcomes[r]);
            });
  return found;
}

/// The same by each plan's whole program.
Found whole(const Batch& batch, const std::vector<Rounding>& roundings) {
  const auto& about = *subject();
  execute::Parameters weights(*about.model, *about.device, execute::Precision::fp32);
  Found found;
  for (const auto& rounding : roundings) {
    auto& outcomes = found.emplace_back();
    for (const auto i : batch.samples) {
      const auto [source, ops] = evaluation_graph_of(about, batch.of->buckets[i]);
      auto graph =
          lower::fake_quantize(*source, ops, rounding.assignment, about.layout.formats, maxima());
      if (rounding.scales == Scales::next) graph = lower::next_scales(graph, about.layout.formats);
      execute::Program program(graph, weights);
      outcomes.push_back(
          execute::outcome(program, execute::make_inputs(program.graph(), batch.of->set.load(i),
                                                         about.model->inputs, *about.device)));
    }
  }
  return found;
}

void expect_same(const Found& found, const Found& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t r = 0; r < found.size(); ++r) {
    ASSERT_EQ(found[r].size(), expected[r].size());
    for (std::size_t i = 0; i < found[r].size(); ++i) {
      EXPECT_EQ(found[r][i].loss, expected[r][i].loss) << what;
      const auto own = execute::confidence(*found[r][i].scores, {});
      const auto other = execute::confidence(*expected[r][i].scores, {});
      EXPECT_EQ(own.entropy, other.entropy) << what;
      EXPECT_EQ(own.spread, other.spread) << what;
      EXPECT_EQ(execute::departure(*found[r][i].scores, *expected[r][i].scores, {}).tilt, 0)
          << what;
    }
  }
}

Rounding all_high() {
  return {graph::Assignment(subject()->layout.partition.ops.size())};
}

/// All-high, random plans, a plan and its beginning, one at the next scales.
std::vector<Rounding> some_plans() {
  std::mt19937 random(3);
  const auto num_ops = subject()->layout.partition.ops.size();
  std::vector<Rounding> plans{all_high()};
  for (int i = 0; i < 3; ++i) {
    plans.push_back(all_high());
    for (auto& format : plans.back().assignment) format = FormatId{random() % 3};
  }
  for (const auto share : {3, 2}) {
    plans.push_back(all_high());
    std::fill_n(plans.back().assignment.begin(), num_ops * share / 4, FormatId{1});
  }
  plans.push_back({plans[1].assignment, Scales::next});
  return plans;
}

TEST(Relay, GivesTheBitsOfWholePrograms) {
  const auto batch = batch_of(3);
  const auto plans = some_plans();
  const auto expected = whole(batch, plans);
  for (const auto& room : {Room{}, Room{plenty, plenty, plenty}, Room{0, plenty, 0}}) {
    Weights weights(subject(), execute::Precision::fp32);
    Relay relay(subject(), weights);
    expect_same(relayed(relay, batch, plans, room), expected, "together");
    // One after the other, with what was kept.
    for (std::size_t p = 0; p < plans.size(); ++p) {
      std::vector<std::string> ahead;
      for (std::size_t next = p + 1; next < plans.size(); ++next)
        ahead.push_back(kin_of(batch.digest, plans[next]));
      expect_same(relayed(relay, batch, {plans[p], all_high()}, room, ahead),
                  {expected[p], expected[0]}, "plan " + std::to_string(p));
    }
  }
}

/// In blocks of its rows the head keeps its meaning and, here, its bits; memory decides nothing.
TEST(Relay, TakesALargeHeadInBlocks) {
  const auto batch = batch_of(2);
  const auto plans = some_plans();
  const auto expected = whole(batch, plans);
  Found first;
  for (const auto& room : {Room{}, Room{plenty, plenty, plenty}}) {
    Weights weights(subject(), execute::Precision::fp32);
    Relay relay(subject(), weights, 256 * 600);  // 600 of 2,048 rows
    const auto found = relayed(relay, batch, plans, room);
    for (std::size_t r = 0; r < plans.size(); ++r)
      for (std::size_t i = 0; i < found[r].size(); ++i) {
        EXPECT_NEAR(found[r][i].loss, expected[r][i].loss, 1e-6) << r;
        const auto gap = execute::departure(*found[r][i].scores, *expected[r][i].scores, {});
        EXPECT_NEAR(gap.divergence, 0, 1e-9);
      }
    if (first.empty()) first = found;
    expect_same(found, first, "blocks");
  }
}

/// More buckets than are kept at once, with targets that do not count and a sample of one token.
TEST(Relay, RunsSamplesOfTheirOwnLengths) {
  auto stream = std::make_shared<archive::TokenStream>();
  stream->offsets = {0};
  for (const std::size_t length : {16, 5, 9, 1, 16, 12, 7, 3, 14, 5, 11}) {
    for (std::size_t i = 0; i <= length; ++i) {
      stream->ids.push_back(static_cast<std::int64_t>(300 + 7 * i + length));
      stream->mask.push_back(length == 12 && i % 3 == 1 ? 0 : 1);
    }
    stream->offsets.push_back(static_cast<std::int64_t>(stream->ids.size()));
  }
  const auto samples = cut(stream, {.length = 16, .count = 11});
  ASSERT_GT(std::set(samples.buckets.begin(), samples.buckets.end()).size(), most_buckets);
  Batch batch{&samples, {}, "own"};
  for (std::size_t i = 0; i < 11; ++i) batch.samples.push_back(i);
  const auto plans = some_plans();
  const auto expected = whole(batch, plans);
  for (const auto block : {head_block, std::int64_t{256 * 600}}) {
    Weights weights(subject(), execute::Precision::fp32);
    Relay relay(subject(), weights, block);
    const auto found = relayed(relay, batch, plans, Room{plenty, plenty, plenty});
    if (block == head_block) expect_same(found, expected, "at once");
    for (std::size_t r = 0; r < plans.size(); ++r)
      for (std::size_t i = 0; i < found[r].size(); ++i)
        EXPECT_NEAR(found[r][i].loss, expected[r][i].loss, 1e-6) << "in blocks of the head";
  }
}

TEST(Relay, TellsBatchesApart) {
  Weights weights(subject(), execute::Precision::fp32);
  Relay relay(subject(), weights);
  const Room room{plenty, plenty, plenty};
  const std::vector plans{all_high()};
  auto first = batch_of(2, "first"), second = batch_of(2, "other");
  second.samples = {2, 1};
  const std::vector ahead{kin_of("first", all_high()), kin_of("other", all_high())};
  expect_same(relayed(relay, first, plans, room, ahead), whole(first, plans), "first");
  expect_same(relayed(relay, second, plans, room, ahead), whole(second, plans), "other");
  expect_same(relayed(relay, first, plans, room, ahead), whole(first, plans), "first again");
}

TEST(Course, CutsLargeHeadsAlone) {
  const auto& about = *subject();
  const auto& ops = about.layout.partition.ops;
  EXPECT_TRUE(course(*about.evaluation_graph, ops).head.empty());
  const auto cut = course(*about.evaluation_graph, ops, 256 * 600);
  EXPECT_EQ(cut.head.size(), 4U);
  EXPECT_EQ(cut.legs.size(), 1 + 2 * 6 + 2U) << "the norm, and what follows the head";
  std::size_t num_ops = 1;
  for (const auto& leg : cut.legs) num_ops += leg.ops.size();
  EXPECT_EQ(num_ops, ops.size());
}

TEST(Kin, BeginsAlikeWherePlansDo) {
  auto longer = all_high();
  longer.assignment[5] = FormatId{2};
  const auto text = kin_of("b", longer);
  EXPECT_EQ(text.substr(0, 8), "b:aaaaac");
  EXPECT_TRUE(kin_of("b", all_high()).starts_with("b:aaaaaa"));
  EXPECT_NE(kin_of("b", {longer.assignment, Scales::next}), text);
  EXPECT_NE(kin_of("c", longer), text);
}

/// The subject's graph with a look at weights in every segment.
std::shared_ptr<const Subject> watched() {
  auto about = *subject();
  const auto& source = *about.evaluation_graph;
  graph::Graph graph{.name = source.name, .values = source.values, .inputs = source.inputs};
  for (const auto& node : source.nodes) {
    graph.nodes.push_back(node);
    for (const auto id : node.outputs) graph.values[id.index].producer = {graph.nodes.size() - 1};
    if (node.op != "aten::rms_norm" && node.op != "aten::embedding") continue;
    // Its output becomes the look's.
    const auto seen = node.outputs.front();
    auto value = graph.value(seen);
    const graph::ValueId hidden{graph.values.size()};
    graph.values.push_back(value);
    graph.nodes.back().outputs = {hidden};
    graph.nodes.push_back({"gainsweep_relay_test::look", {hidden}, {seen}, node.path});
    graph.values[seen.index].producer = {graph.nodes.size() - 1};
  }
  graph.outputs = source.outputs;
  graph::validate(graph);
  about.layout.partition = graph::partition(graph, about.spec.partition, 3);
  about.evaluation_graph = std::make_shared<const graph::Graph>(std::move(graph));
  return std::make_shared<const Subject>(std::move(about));
}

TEST(Relay, HoldsTheWeightsOfOneSegment) {
  const auto about = watched();
  Weights weights(about, execute::Precision::fp32);
  std::size_t largest = 0, head = 0;
  for (const auto& segment : graph::segments(*about->evaluation_graph)) {
    const execute::Program program(graph::extract(*about->evaluation_graph, segment),
                                   weights.get());
    weights.release_unused();
    head = weights.get().bytes_owned();
    largest = std::max(largest, head);
  }
  weights.release();
  looked_at = &weights.get();
  most_owned = 0;
  Relay relay(about, weights);
  auto low = all_high();
  for (auto& format : low.assignment) format = FormatId{1};
  relayed(relay, batch_of(2), {all_high()}, {});
  EXPECT_EQ(most_owned, largest);
  relayed(relay, batch_of(2), {low, all_high()}, {});
  looked_at = nullptr;
  // Plans' heads run side by side.
  EXPECT_LE(most_owned, std::max(largest, 2 * head));
  EXPECT_EQ(weights.get().bytes_owned(), 0U);
}

TEST(CheckLoss, NamesTheSampleWhoseLossIsNotFinite) {
  Weights weights(subject(), execute::Precision::fp32);
  check_loss({2.5}, *subject(), weights, "sample 0");
  for (const double loss :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
    EXPECT_ERROR(check_loss({loss}, *subject(), weights, "evaluation sample 1"), ErrorKind::input,
                 "the loss of evaluation sample 1 is");
}

}  // namespace
}  // namespace gainsweep::pipeline

int main(int argc, char** argv) {
  gainsweep::archive::serve_if_decoder(argc, argv);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
