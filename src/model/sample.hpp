#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "graph/graph.hpp"
#include "model/model.hpp"

namespace gainsweep::model {

/// Numbers in a shape, row-major; no LibTorch.
struct Tensor {
  graph::Shape shape{};
  std::variant<std::vector<std::int64_t>, std::vector<float>> values{};  ///< indices or reals
};

/// What a model is asked, and what is predicted of it.
struct Sample {
  std::map<std::string, Tensor> inputs{};  ///< by the name of the graph's input
  Tensor targets{};                        ///< the input `labels` of graphs that read targets
  /// Of the targets, in their order: the loss is a mean with these weights. None: all are 1.
  std::vector<float> weights{};
};

/// The names of the inputs that targets and their weights are for a graph.
constexpr const char* targets_input = "labels";
constexpr const char* weights_input = "weights";

/// Those that say where the tokens of packed sequences stand.
constexpr const char* positions_input = "positions";
constexpr const char* parts_input = "parts";
constexpr const char* rows_input = "rows";

/// T: number of a sample's targets that count, those whose weight is not 0. Error(input) where
/// there is not one weight, finite and not negative, for each target.
std::int64_t num_targets(const Sample& sample);

/// Samples that are made when somebody works with them.
struct SampleSet {
  std::vector<std::string> digests{};  ///< of each sample's inputs
  std::function<Sample(std::size_t index)> load{};

  std::size_t size() const { return digests.size(); }
};

/// A sample that fits the inputs of a graph of a model, or of a piece of one, for work to which
/// values do not matter: indices count up to the bound of the model's input, reals over [0, 1) in
/// steps of 1/256; it has no weights.
Sample counting_sample(const graph::Graph& graph, const Model& model);

}  // namespace gainsweep::model
