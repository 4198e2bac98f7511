// Times plans on resampled calibration samples: models of 129 sub-graphs with made-up scores. See
// README.md beside this file.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "pipeline/stability.hpp"

namespace {

namespace pipeline = gainsweep::pipeline;
namespace graph = gainsweep::graph;
using gainsweep::FormatId;

/// A sub-graph of so many ops, a matmul for each that has no weight.
void add_subgraph(pipeline::Layout& layout, std::size_t num_ops, std::size_t cls) {
  graph::Subgraph subgraph;
  subgraph.cls = {cls};
  subgraph.name = std::to_string(layout.partition.subgraphs.size());
  for (std::size_t place = 0; place < num_ops; ++place) {
    graph::Op op;
    op.path = subgraph.name + "." + std::to_string(place);
    op.operands = {{{}, graph::OperandRole::activation, 0, "input"},
                   {{}, graph::OperandRole::weight, 1, "weight"}};
    const std::int64_t sizes[] = {16, 4, 4, 0, 0};
    const auto size = num_ops == 5 ? sizes[place] : 56;
    op.macs = (size + 2) << 30;
    op.weight_elements = size << 20;
    op.weight_channels = size == 0 ? 0 : 4096;
    subgraph.ops.push_back({layout.partition.ops.size()});
    subgraph.ties.push_back({place});
    layout.partition.ops.push_back(op);
  }
  layout.partition.subgraphs.push_back(subgraph);
}

/// 32 blocks of a Llama and its head, or as many sub-graphs of five ops each.
pipeline::Layout make_layout(const std::vector<std::string>& formats, bool all_large) {
  pipeline::Layout layout;
  for (const auto& name : formats) layout.formats.push_back(gainsweep::format::by_name(name));
  const std::size_t num_ops[] = {5, 1, 2, 1};
  for (std::size_t j = 0; j < 128; ++j) add_subgraph(layout, all_large ? 5 : num_ops[j % 4], j % 4);
  add_subgraph(layout, all_large ? 5 : 1, 4);
  std::vector<FormatId> every;
  for (std::size_t f = 0; f < formats.size(); ++f) every.push_back({f});
  layout.real_formats.assign(layout.partition.ops.size(), every);
  layout.modules.assign(layout.partition.ops.size(), "");
  return layout;
}

/// Errors of ops that differ a hundredfold, of samples by their own normal factors.
std::vector<gainsweep::execute::ProbeRecord> make_scores(const pipeline::Layout& layout,
                                                         std::mt19937_64& bits) {
  std::lognormal_distribution<double> of_op(-8, 1.2), of_loss(0.7, 0.2);
  std::normal_distribution<double> of_sample;
  std::vector<gainsweep::execute::ProbeRecord> records(64);
  for (auto& record : records) record.loss = of_loss(bits);
  for (std::size_t op = 0; op < layout.partition.ops.size(); ++op) {
    const double size = of_op(bits);
    for (auto& record : records) {
      auto& operands = record.operands.emplace_back(2);
      for (auto& operand : operands)
        for (std::size_t f = 1; f < layout.formats.size(); ++f) {
          operand.signed_error.push_back(size * static_cast<double>(f) * of_sample(bits));
          operand.square_error.push_back(0);
          operand.step_norm.push_back(0);
        }
    }
  }
  return records;
}

gainsweep::gain::Times make_times(const pipeline::Layout& layout, std::mt19937_64& bits) {
  std::lognormal_distribution<double> saved(-7, 0.7);
  std::normal_distribution<double> noise(0, 5e-5);
  gainsweep::gain::Times times;
  for (std::size_t j = 0; j < layout.partition.subgraphs.size(); ++j) {
    const auto& subgraph = layout.partition.subgraphs[j];
    std::vector<std::vector<FormatId>> allowed(subgraph.ops.size(), layout.real_formats.front());
    auto configurations = graph::configurations(subgraph, allowed);
    std::vector<double> of_op;
    for (std::size_t i = 0; i < subgraph.ops.size(); ++i) of_op.push_back(saved(bits));
    gainsweep::latency::Timings timings;
    timings.seconds.assign(2, {});
    for (const auto& configuration : configurations) {
      double seconds = 1;
      for (std::size_t i = 0; i < configuration.size(); ++i)
        if (configuration[i].index > 0) seconds -= of_op[i];
      for (auto& block : timings.seconds)
        block.push_back(block.empty() ? 1 : seconds + noise(bits));
    }
    times.push_back(gainsweep::gain::measured(std::move(configurations), timings, 1, 0.95, j));
  }
  return times;
}

void measure(const std::vector<std::string>& formats, bool all_large, std::int64_t resamples) {
  std::mt19937_64 bits(1);
  const auto layout = make_layout(formats, all_large);
  gainsweep::spec::Spec spec;
  spec.formats.formats = layout.formats;
  spec.solve.objectives = {"time", "macs", "memory"};
  spec.solve.loss_model = "bias";
  spec.solve.gain = gainsweep::gain::Counting::median;
  spec.solve.resamples = resamples;
  for (int i = 0; i < 15; ++i) spec.solve.thresholds.push_back(1e-3 * std::pow(300, i / 14.0));
  pipeline::Measured measured;
  measured.scores = make_scores(layout, bits);
  measured.times = make_times(layout, bits);
  const auto decision = pipeline::decide(layout, spec, measured);
  const auto blocks = pipeline::resample_blocks(spec.solve);
  std::vector<double> seconds(spec.solve.objectives.size());
  for (const auto& block : blocks) {
    const std::clock_t start = std::clock();
    solve_block(layout, spec, block, decision);
    seconds[block.objective] += static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  const double choices = num_choices(layout, spec.solve) * static_cast<double>(blocks.size());
  double all = 0;
  for (const double part : seconds) all += part;
  std::printf("%zu formats, %s: time %.1f s, macs %.1f s, memory %.1f s; %.1e s a choice\n",
              formats.size(), all_large ? "129 × 5 ops" : "Llama's 32 blocks", seconds[0],
              seconds[1], seconds[2], all / choices);
  std::fflush(stdout);
}

}  // namespace

/// Usage: benchmark_stability [resamples]
int main(int argc, char** argv) {
  const std::int64_t resamples = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 200;
  for (const bool all_large : {false, true}) {
    measure({"bf16", "int8"}, all_large, resamples);
    measure({"bf16", "fp8_e4m3", "fp8_e5m2"}, all_large, resamples);
  }
}
