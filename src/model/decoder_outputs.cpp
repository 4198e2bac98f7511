#include "model/decoder_outputs.hpp"

#include <optional>
#include <utility>

#include "model/sample.hpp"

namespace gainsweep::model {
namespace {

using graph::ElementType;
using graph::Shape;
using graph::ValueId;

/// What outputs about targets are computed from, in rows of B·T.
struct Compared {
  ValueId scores;   ///< [B·T, V]
  ValueId targets;  ///< [B·T]
};

Compared add_compared(Nodes& nodes, ValueId logits_BTV) {
  const auto labels =
      nodes.graph.add_input(targets_input, ElementType::index, {nodes.batch, nodes.length});
  const Shape flat{nodes.batch * nodes.length, nodes.decoder.vocabulary};
  const auto scores = nodes.reshape(logits_BTV, flat, "loss");
  const Shape rows{nodes.batch * nodes.length};
  const auto targets =
      nodes.graph.add_node("aten::reshape", {labels, rows}, rows, "loss", ElementType::index);
  return {scores, targets};
}

ValueId add_mean_loss(Nodes& nodes, const Compared& rows, bool weighted) {
  std::vector<graph::Argument> arguments{rows.scores, rows.targets};
  if (weighted)
    arguments.emplace_back(
        nodes.graph.add_input(weights_input, ElementType::fp32, {nodes.batch, nodes.length}));
  return nodes.add("gainsweep::mean_cross_entropy", std::move(arguments), {}, "loss");
}

ValueId add_log_likelihoods(Nodes& nodes, const Compared& rows) {
  const std::string path = "log_likelihoods";
  const auto all = nodes.add("gainsweep::target_log_likelihoods", {rows.scores, rows.targets},
                             {nodes.batch * nodes.length}, path);
  return nodes.reshape(all, {nodes.batch, nodes.length}, path);
}

}  // namespace

void add_outputs(Nodes& nodes, ValueId logits_BTV, const Workload& workload) {
  std::optional<Compared> made;
  const auto compared = [&]() -> const Compared& {
    if (!made) made = add_compared(nodes, logits_BTV);
    return *made;
  };
  for (const Output output : workload.outputs) {
    auto value = logits_BTV;
    if (output == Output::mean_loss) {
      value = add_mean_loss(nodes, compared(), workload.weighted);
    } else if (output == Output::target_log_likelihoods) {
      value = add_log_likelihoods(nodes, compared());
    }
    nodes.graph.outputs.push_back(value);
  }
}

}  // namespace gainsweep::model
