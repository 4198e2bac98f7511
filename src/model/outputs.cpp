#include "model/outputs.hpp"

#include <utility>

#include "model/sample.hpp"

namespace gainsweep::model {
namespace {

using graph::ElementType;
using graph::Graph;
using graph::Shape;
using graph::ValueId;

/// What outputs about targets are computed from, in rows of as many as there are targets.
struct Compared {
  Shape shape;      ///< of the targets
  ValueId scores;   ///< [targets, classes]
  ValueId targets;  ///< [targets]
};

ValueId reshape(Graph& graph, ValueId x, const Shape& shape, const std::string& path) {
  return graph.add_node("aten::reshape", {x, shape}, shape, path, graph.value(x).type);
}

Compared add_compared(Graph& graph, ValueId scores, std::optional<ValueId> targets) {
  Shape shape = graph.value(scores).shape;
  const auto classes = shape.back();
  shape.pop_back();
  const Shape rows{graph::num_elements(shape)};
  std::optional<ValueId> labels;
  if (!targets) labels = graph.add_input(targets_input, ElementType::index, shape);
  const auto flat = reshape(graph, scores, {rows[0], classes}, "loss");
  return {shape, flat, targets ? *targets : reshape(graph, *labels, rows, "loss")};
}

ValueId add_mean_loss(Graph& graph, const Compared& rows, bool weighted) {
  std::vector<graph::Argument> arguments{rows.scores, rows.targets};
  if (weighted)
    arguments.emplace_back(graph.add_input(weights_input, ElementType::fp32, rows.shape));
  return graph.add_node("gainsweep::mean_cross_entropy", std::move(arguments), {}, "loss");
}

/// What an operator says of each target.
ValueId add_of_targets(Graph& graph, const Compared& rows, const char* op,
                       const std::string& path) {
  const auto all =
      graph.add_node(op, {rows.scores, rows.targets}, {graph::num_elements(rows.shape)}, path);
  return reshape(graph, all, rows.shape, path);
}

}  // namespace

void add_outputs(Graph& graph, ValueId scores, const Workload& workload,
                 std::optional<ValueId> targets) {
  std::optional<Compared> made;
  const auto compared = [&]() -> const Compared& {
    if (!made) made = add_compared(graph, scores, targets);
    return *made;
  };
  for (const Output output : workload.outputs) {
    auto value = scores;
    if (output == Output::mean_loss) {
      value = add_mean_loss(graph, compared(), workload.weighted);
    } else if (output == Output::target_log_likelihoods) {
      value =
          add_of_targets(graph, compared(), "gainsweep::target_log_likelihoods", "log_likelihoods");
    } else if (output == Output::targets_are_likeliest) {
      value = add_of_targets(graph, compared(), "gainsweep::targets_are_likeliest", "likeliest");
    }
    graph.outputs.push_back(value);
  }
}

}  // namespace gainsweep::model
