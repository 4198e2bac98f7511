#include "model/sample.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace gainsweep::model {
namespace {

Tensor counting(const graph::Value& input, std::int64_t bound) {
  const auto count = graph::num_elements(input.shape);
  if (input.type == graph::ElementType::index) {
    std::vector<std::int64_t> indices;
    for (std::int64_t i = 0; i < count; ++i)
      indices.push_back(i % std::max<std::int64_t>(bound, 1));
    return {input.shape, std::move(indices)};
  }
  std::vector<float> reals;
  for (std::int64_t i = 0; i < count; ++i) reals.push_back(static_cast<float>(i % 256) / 256);
  return {input.shape, std::move(reals)};
}

}  // namespace

std::int64_t num_targets(const Sample& sample) {
  const auto count = graph::num_elements(sample.targets.shape);
  if (sample.weights.empty()) return count;
  if (static_cast<std::int64_t>(sample.weights.size()) != count) {
    throw Error(ErrorKind::input, "a sample has " + std::to_string(count) + " targets and " +
                                      std::to_string(sample.weights.size()) +
                                      " weights of them. Give one weight a target.");
  }
  const auto is_wrong = [](float weight) { return !std::isfinite(weight) || weight < 0; };
  if (std::any_of(sample.weights.begin(), sample.weights.end(), is_wrong)) {
    throw Error(ErrorKind::input,
                "a weight of a sample's targets is negative or not finite (a mean with it has no "
                "meaning). Give 0 to what does not count.");
  }
  return count - std::count(sample.weights.begin(), sample.weights.end(), 0.0F);
}

Sample counting_sample(const graph::Graph& graph, const Model& model) {
  Sample sample;
  for (const auto id : graph.inputs) {
    const auto& value = graph.value(id);
    if (value.name == weights_input) continue;
    const auto* input = model.input(value.name);
    if (input == nullptr && value.type == graph::ElementType::real) {
      sample.inputs[value.name] = counting(value, 0);
      continue;
    }
    if (input == nullptr) {
      throw Error(ErrorKind::internal, "graph " + graph.name + " reads `" + value.name +
                                           "`, which is no input of model " + model.name + ".");
    }
    auto& tensor = value.name == targets_input ? sample.targets : sample.inputs[value.name];
    tensor = counting(value, input->bound);
  }
  return sample;
}

}  // namespace gainsweep::model
