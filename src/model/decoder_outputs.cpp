#include "model/decoder_outputs.hpp"

#include <optional>
#include <utility>

#include "model/sample.hpp"

namespace gainsweep::model {
namespace {

using graph::ElementType;
using graph::Shape;
using graph::ValueId;

/// What outputs about targets are computed from, in rows of B·S: S tokens of a sequence are scored.
struct Compared {
  Shape shape;      ///< of the targets: [B, S]
  ValueId scores;   ///< [B·S, V]
  ValueId targets;  ///< [B·S]
};

Compared add_compared(Nodes& nodes, ValueId logits_BSV) {
  const auto scored = nodes.shape(logits_BSV)[1];
  const Shape shape{nodes.batch, scored};
  const auto labels = nodes.graph.add_input(targets_input, ElementType::index, shape);
  const Shape flat{nodes.batch * scored, nodes.decoder.vocabulary};
  const auto scores = nodes.reshape(logits_BSV, flat, "loss");
  const Shape rows{nodes.batch * scored};
  const auto targets =
      nodes.graph.add_node("aten::reshape", {labels, rows}, rows, "loss", ElementType::index);
  return {shape, scores, targets};
}

ValueId add_mean_loss(Nodes& nodes, const Compared& rows, bool weighted) {
  std::vector<graph::Argument> arguments{rows.scores, rows.targets};
  if (weighted)
    arguments.emplace_back(nodes.graph.add_input(weights_input, ElementType::fp32, rows.shape));
  return nodes.add("gainsweep::mean_cross_entropy", std::move(arguments), {}, "loss");
}

/// What an operator says of each target.
ValueId add_of_targets(Nodes& nodes, const Compared& rows, const char* op,
                       const std::string& path) {
  const auto all =
      nodes.add(op, {rows.scores, rows.targets}, {graph::num_elements(rows.shape)}, path);
  return nodes.reshape(all, rows.shape, path);
}

}  // namespace

void add_outputs(Nodes& nodes, ValueId logits_BSV, const Workload& workload) {
  std::optional<Compared> made;
  const auto compared = [&]() -> const Compared& {
    if (!made) made = add_compared(nodes, logits_BSV);
    return *made;
  };
  for (const Output output : workload.outputs) {
    auto value = logits_BSV;
    if (output == Output::mean_loss) {
      value = add_mean_loss(nodes, compared(), workload.weighted);
    } else if (output == Output::target_log_likelihoods) {
      value =
          add_of_targets(nodes, compared(), "gainsweep::target_log_likelihoods", "log_likelihoods");
    } else if (output == Output::targets_are_likeliest) {
      value = add_of_targets(nodes, compared(), "gainsweep::targets_are_likeliest", "likeliest");
    }
    nodes.graph.outputs.push_back(value);
  }
}

}  // namespace gainsweep::model
