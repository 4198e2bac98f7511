#include "conformance/workload.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "base/error.hpp"
#include "execute/probe.hpp"
#include "model/decoder.hpp"

namespace gainsweep::conformance {
namespace {

using graph::ElementType;
using graph::ValueId;

constexpr std::int64_t tokens = 32, vocabulary = 96;

/// Reproducible numbers in [-size, size): what std::mt19937 gives is the same everywhere.
std::vector<float> numbers(std::int64_t count, unsigned seed, double size) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (auto& value : values)
    value = static_cast<float>(size * (static_cast<double>(random()) / 2147483648.0 - 1));
  return values;
}

/// Of a matrix whose products keep the size of what they are multiplied by; around 1 for vectors.
std::vector<double> weight(const graph::Shape& shape, unsigned seed) {
  const bool is_vector = shape.size() == 1;
  const double size = is_vector ? 0.1 : std::sqrt(3 / static_cast<double>(shape.back()));
  const auto made = numbers(graph::num_elements(shape), seed, size);
  std::vector<double> values(made.begin(), made.end());
  if (is_vector)
    for (auto& value : values) value += 1;
  return values;
}

void fill_parameters(graph::Graph& graph) {
  unsigned seed = 1;
  for (auto& value : graph.values) {
    if (value.kind != graph::ValueKind::parameter) continue;
    value.kind = graph::ValueKind::constant;
    value.elements = weight(value.shape, seed++);
  }
  graph.parameters.clear();
}

model::Tensor indices(std::int64_t first) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < tokens; ++i) values.push_back((first + 37 * i) % vocabulary);
  return {{1, tokens}, std::move(values)};
}

model::Tensor reals(const graph::Shape& shape, unsigned seed, double size) {
  return {shape, numbers(graph::num_elements(shape), seed, size)};
}

}  // namespace

Workload llama(model::Output output) {
  model::Decoder decoder;
  decoder.family = "llama";
  decoder.hidden = 64;
  decoder.intermediate = 128;
  decoder.layers = 1;
  decoder.heads = 4;
  decoder.key_value_heads = 2;
  decoder.head_size = 16;
  decoder.vocabulary = vocabulary;
  decoder.longest = tokens;
  Workload made{model::build(decoder, {.batch = 1, .length = tokens, .outputs = {output}}), {}};
  fill_parameters(made.graph);
  made.sample.inputs["tokens"] = indices(0);
  made.sample.targets = indices(37);
  return made;
}

Workload linear_layer() {
  const graph::Shape x{48, 64}, w{80, 64};
  Workload made;
  const auto input = made.graph.add_input("x", ElementType::real, x);
  const auto matrix = made.graph.add_constant("w", w, weight(w, 3));
  made.graph.outputs = {made.graph.add_node("aten::linear", {input, matrix}, {48, 80}, "linear")};
  made.sample.inputs["x"] = reals(x, 4, 3);
  return made;
}

Workload product() {
  const graph::Shape x{2, 32, 64}, y{2, 64, 48};
  Workload made;
  const auto a = made.graph.add_input("a", ElementType::real, x);
  const auto b = made.graph.add_input("b", ElementType::real, y);
  made.graph.outputs = {made.graph.add_node("aten::matmul", {a, b}, {2, 32, 48}, "matmul")};
  made.sample.inputs["a"] = reals(x, 5, 3);
  made.sample.inputs["b"] = reals(y, 6, 0.5);
  return made;
}

Workload powers(std::int64_t size) {
  constexpr int factors = 8;
  const graph::Shape shape{size, size};
  Workload made;
  const auto x = made.graph.add_input("x", ElementType::real, shape);
  ValueId power = x;
  for (int i = 0; i < factors; ++i)
    power = made.graph.add_node("aten::matmul", {power, x}, shape, "power");
  made.graph.outputs = {made.graph.add_node("aten::mean", {power}, {}, "mean")};
  made.sample.inputs["x"] = reals(shape, 7, std::sqrt(3 / static_cast<double>(size)));
  return made;
}

std::vector<double> run(const graph::Graph& graph, const model::Sample& sample,
                        const execute::Device& device, execute::Precision precision) {
  auto parameters = no_parameters(device, precision);
  execute::Program program(graph, parameters);
  return program.run(execute::make_inputs(graph, sample, {}, device));
}

execute::Parameters no_parameters(const execute::Device& device, execute::Precision precision) {
  model::Model model;
  model.parameters = std::make_shared<const model::Checkpoint>(model::Checkpoint::blank({}, {}));
  return {model, device, precision};
}

lower::Maxima maxima(const Workload& workload) {
  const auto& cpu = execute::devices().at("cpu");
  const auto ops = graph::quantizable_ops(workload.graph);
  auto parameters = no_parameters(cpu, execute::Precision::fp32);
  execute::Program observed(lower::observe(workload.graph, ops), parameters);
  auto found = execute::observe(
      observed, execute::make_inputs(observed.graph(), workload.sample, {}, cpu), ops);
  execute::Program weights(
      lower::weight_maxima(workload.graph, ops, std::numeric_limits<std::int64_t>::max()),
      parameters);
  const auto nothing = execute::make_inputs(weights.graph(), {}, {}, cpu);
  std::size_t output = 0;
  for (std::size_t op = 0; op < ops.size(); ++op)
    for (std::size_t operand = 0; operand < ops[op].operands.size(); ++operand) {
      if (ops[op].operands[operand].role != graph::OperandRole::weight) continue;
      const auto rows = weights.run(nothing, output++);
      found[op][operand] = static_cast<float>(*std::max_element(rows.begin(), rows.end()));
    }
  return found;
}

Distance distance(const std::vector<double>& got, const std::vector<double>& expected) {
  constexpr double infinite = std::numeric_limits<double>::infinity();
  if (got.size() != expected.size())
    throw Error(ErrorKind::internal, std::to_string(got.size()) + " numbers came back where " +
                                         std::to_string(expected.size()) + " are expected");
  Distance found;
  double largest = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double apart = std::abs(got[i] - expected[i]);
    largest = std::max(largest, std::abs(expected[i]));
    found.largest = std::isfinite(apart) ? std::max(found.largest, apart) : infinite;
    found.mean += apart / static_cast<double>(got.size());
    if (!std::isfinite(apart)) return {infinite, infinite};
  }
  return {found.largest / largest, found.mean / largest};
}

}  // namespace gainsweep::conformance
