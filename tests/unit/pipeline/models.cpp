#include "models.hpp"

#include <random>

#include "lower/pass.hpp"
#include "unit/model/small_decoder.hpp"

namespace gainsweep::pipeline::models {
namespace {

void add_op(graph::Partition& partition, const std::string& path, std::int64_t size) {
  graph::Op op;
  op.path = path;
  op.operands = {{{}, graph::OperandRole::activation, 0, "input"},
                 {{}, graph::OperandRole::weight, 1, "weight"}};
  op.macs = 10 * size;
  op.weight_elements = size;
  op.weight_channels = 4;
  partition.ops.push_back(op);
}

std::vector<double> numbers(std::size_t count, std::mt19937& random) {
  std::vector<double> result(count);
  for (auto& number : result) number = (static_cast<double>(random()) / 4294967296.0 - 0.5) / 10;
  return result;
}

// What sums of squares are like.
std::vector<double> squares(std::size_t count, std::mt19937& random) {
  auto result = numbers(count, random);
  for (auto& number : result) number *= number;
  return result;
}

}  // namespace

Layout llama(const graph::PartitionSpec& partition) {
  auto decoder = model::small_decoder();
  decoder.layers = 2;
  decoder.tied = true;
  Layout layout;
  layout.formats = {format::by_name("bf16"), format::by_name("int8"), format::by_name("fp8_e4m3")};
  layout.partition = graph::partition(model::build(decoder, {1, 16, {model::Output::mean_loss}}),
                                      partition, layout.formats.size());
  for (const auto& op : layout.partition.ops) {
    layout.real_formats.push_back(
        lower::real_formats(lower::targets().at("onednn"), op, layout.formats));
    layout.modules.push_back(op.weight_elements > 0 ? "model." + op.path : "");
  }
  return layout;
}

Layout small() {
  Layout layout;
  for (const auto& [path, size] :
       {std::pair{"a", 100}, {"b", 70}, {"c", 50}, {"d", 80}, {"e", 300}})
    add_op(layout.partition, path, size);
  layout.partition.subgraphs = {{{{0}, {1}}, {{0}, {1}}, {}, {0}, "{a,b}"},
                                {{{2}, {3}}, {{0, 1}}, {}, {1}, "{c,d}"},
                                {{{4}}, {{0}}, {}, {2}, "e"}};
  layout.partition.classes = {{{0}}, {{1}}, {{2}}};
  layout.formats = {format::by_name("bf16"), format::by_name("int8")};
  layout.real_formats.assign(5, {{0}, {1}});
  layout.modules.assign(5, "");
  return layout;
}

spec::Spec spec(const Layout& layout) {
  spec::Spec spec;
  spec.formats.formats = layout.formats;
  spec.solve.objectives = {"macs", "memory"};
  spec.solve.strategies = {"ip", "prefix", "random"};
  spec.solve.thresholds = {1e-6, 0.01, 0.02, 0.03, 0.05, 1};
  spec.solve.loss_model = "bias";
  spec.solve.draws = 7;
  return spec;
}

Measured scores(const Layout& layout, unsigned seed) {
  std::mt19937 random(seed);
  const std::size_t num_low = layout.formats.size() - 1;
  Measured measured;
  for (int sample = 0; sample < 3; ++sample) {
    execute::ProbeRecord score;
    score.loss = 2 + 0.1 * sample;
    score.targets = 8;
    for (const auto& op : layout.partition.ops) {
      score.operands.emplace_back();
      for (std::size_t k = 0; k < op.operands.size(); ++k)
        score.operands.back().push_back(
            {squares(1, random)[0], numbers(num_low, random), {}, squares(num_low, random)});
      for (auto& operand : score.operands.back())
        for (const double error : operand.signed_error)
          operand.square_error.push_back(error * error / 4);
    }
    measured.scores.push_back(std::move(score));
  }
  return measured;
}

gain::Times times(const Layout& layout, double scale) {
  gain::Times times;
  for (const auto& subgraph : layout.partition.subgraphs) {
    std::vector<std::vector<FormatId>> allowed;
    for (const auto op : subgraph.ops) allowed.push_back(layout.real_formats[op.index]);
    auto configurations = graph::configurations(subgraph, allowed);
    std::vector<double> block;
    for (std::size_t p = 0; p < configurations.size(); ++p)
      block.push_back(1 - scale * 0.01 * static_cast<double>(p));
    latency::Timings timings;
    timings.seconds = {block, block};
    times.push_back(gain::measured(std::move(configurations), timings, 1, 0.95, 0));
  }
  return times;
}

Plans answer(const Layout& layout, const spec::Spec& spec, const Question& question,
             const Decision& decision) {
  const auto program = [&](double threshold) {
    const Question exact{question.aim, solve::exact_strategy, threshold};
    return std::optional(solve_program(layout, spec, exact, decision));
  };
  return consult(layout, spec, question, decision, {program, {}}).plans.value();
}

}  // namespace gainsweep::pipeline::models
