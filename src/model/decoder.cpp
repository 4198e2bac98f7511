#include "model/decoder.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/error.hpp"
#include "model/decoder_attention.hpp"
#include "model/decoder_feed_forward.hpp"
#include "model/decoder_nodes.hpp"
#include "model/mixture.hpp"
#include "model/outputs.hpp"
#include "model/sample.hpp"

namespace gainsweep::model {
namespace {

using graph::Shape;
using graph::ValueId;

/// Embedded tokens, in the hidden size.
ValueId add_embedding(Nodes& nodes, ValueId tokens, ValueId weight) {
  const auto& decoder = nodes.decoder;
  const auto& names = decoder.names;
  auto x = nodes.add("aten::embedding", {weight, tokens},
                     {nodes.batch, nodes.length, nodes.shape(weight)[1]}, "embed");
  if (decoder.embedding_scale != 1) {
    // A tensor and no number: it is rounded to the precision of the run, as in transformers.
    const auto scale = nodes.graph.add_constant("embed.scale", {}, {decoder.embedding_scale});
    x = nodes.add("aten::mul.Tensor", {x, scale}, nodes.shape(x), "embed");
  }
  if (!names.project_in.empty())
    x = nodes.linear(x, names.project_in, decoder.hidden, false, "project_in");
  if (names.positions.empty()) return x;
  const auto first = decoder.position_offset;
  const auto all = nodes.graph.add_parameter(names.positions + ".weight",
                                             {decoder.longest + first, decoder.hidden});
  if (!nodes.packing)
    return nodes.sum(x, nodes.slice(all, 0, first, first + nodes.length, "positions"), "positions");
  const auto rows = nodes.graph.add_node("aten::add.Scalar", {nodes.packing->positions, first},
                                         {nodes.length}, "positions", graph::ElementType::index);
  const Shape shape{nodes.length, decoder.hidden};
  return nodes.sum(x, nodes.add("aten::embedding", {all, rows}, shape, "positions"), "positions");
}

/// What a part of a layer adds is summed with what goes by it.
ValueId add_residual(Nodes& nodes, ValueId x_BTC, ValueId y_BTC, const std::string& path) {
  const auto scale = nodes.decoder.residual_scale;
  if (scale == 1) return nodes.sum(x_BTC, y_BTC, path + ".residual");
  const auto shape = nodes.shape(x_BTC);
  const auto scaled = nodes.add("aten::mul.Scalar", {y_BTC, scale}, shape, path + ".residual");
  return nodes.sum(x_BTC, scaled, path + ".residual");
}

/// A part of a layer between its norms, beside what goes by it.
ValueId add_part(Nodes& nodes, ValueId x_BTC, const PartNorms& norms, const std::string& layer,
                 const std::string& path, const std::function<ValueId(ValueId)>& part) {
  const auto norm = [&](ValueId x, const std::string& name, const char* leaf) {
    return name.empty() ? x : nodes.norm(x, layer + name, path + leaf);
  };
  const auto added = norm(part(norm(x_BTC, norms.before, ".norm")), norms.after, ".norm_after");
  return norm(add_residual(nodes, x_BTC, added, path), norms.of_sum, ".norm_of_sum");
}

bool has_mixture(const Decoder& decoder, std::int64_t layer) {
  return !decoder.mixed.empty() && decoder.mixed.at(static_cast<std::size_t>(layer));
}

ValueId add_layer(Nodes& nodes, ValueId x_BTC, std::int64_t layer, const AttentionTables& tables) {
  const auto& names = nodes.decoder.names;
  const auto number = std::to_string(layer);
  const auto name = names.layers + number + ".";
  const auto attention = "layers." + number + ".attention";
  const auto feed_forward = "layers." + number + ".mlp";
  x_BTC = add_part(nodes, x_BTC, names.attention_norms, name, attention, [&](ValueId seen) {
    return add_attention(nodes, seen, layer, name, attention, tables);
  });
  return add_part(nodes, x_BTC, names.feed_forward_norms, name, feed_forward, [&](ValueId seen) {
    return has_mixture(nodes.decoder, layer) ? add_mixture(nodes, seen, name, feed_forward)
                                             : add_feed_forward(nodes, seen, name, feed_forward);
  });
}

ValueId add_head(Nodes& nodes, ValueId x_BTC) {
  const auto& decoder = nodes.decoder;
  const auto& names = decoder.names;
  if (!names.norm.empty()) x_BTC = nodes.norm(x_BTC, names.norm, "norm");
  if (!names.project_out.empty())
    x_BTC = nodes.linear(x_BTC, names.project_out, decoder.embedding_size, false, "project_out");
  auto logits_BTV = nodes.linear(x_BTC, decoder.tied ? names.embedding : names.head,
                                 decoder.vocabulary, false, "lm_head");
  const auto divisor =
      decoder.logits_divisor * (decoder.logits_softcap == 0 ? 1 : decoder.logits_softcap);
  if (divisor != 1) {
    logits_BTV =
        nodes.add("aten::div.Scalar", {logits_BTV, divisor}, nodes.shape(logits_BTV), "logits");
  }
  if (decoder.logits_softcap != 0)
    logits_BTV = nodes.capped(logits_BTV, decoder.logits_softcap, "logits");
  return logits_BTV;
}

Packing add_packing(Nodes& nodes) {
  const auto input = [&](const char* name) {
    return nodes.graph.add_input(name, graph::ElementType::index, {nodes.length});
  };
  const auto positions = input(positions_input);
  return {positions, input(parts_input)};
}

/// Those tokens alone that outputs are of.
ValueId add_scored(Nodes& nodes, ValueId x_BTC, std::int64_t scored) {
  if (nodes.packing) {
    const auto rows = nodes.graph.add_input(rows_input, graph::ElementType::index, {scored});
    return nodes.select(x_BTC, 1, rows, "scored");
  }
  if (scored == 0 || scored == nodes.length) return x_BTC;
  return nodes.slice(x_BTC, 1, nodes.length - scored, nodes.length, "scored");
}

void check(const Decoder& decoder, const Workload& workload) {
  if (workload.batch < 1 || workload.length < 1) {
    throw Error(ErrorKind::input,
                "batch " + std::to_string(workload.batch) + " and length " +
                    std::to_string(workload.length) +
                    " must both be at least 1 (a graph has fixed shapes). Ask for "
                    "at least one token.");
  }
  if (workload.packed && (workload.batch != 1 || workload.scored < 1)) {
    throw Error(ErrorKind::internal,
                "packed sequences are one batch, with rows that are scored. Report this.");
  }
  if (workload.length > decoder.longest && !workload.packed) {
    throw Error(ErrorKind::input, "length " + std::to_string(workload.length) +
                                      " tokens exceeds the model's " +
                                      std::to_string(decoder.longest) +
                                      " (max_position_embeddings). Use shorter sequences.");
  }
}

}  // namespace

std::int64_t longest_packed(const Decoder& decoder) {
  auto longest = decoder.longest;
  const auto bound = [&](const Rope& rope) {
    if (const auto* dynamic = std::get_if<DynamicRope>(&rope.scaling))
      longest = std::min(longest, dynamic->trained_length);
    if (const auto* scaled = std::get_if<LongRope>(&rope.scaling))
      longest = std::min(longest, scaled->original_length);
  };
  bound(decoder.rope);
  if (decoder.window_rope) bound(*decoder.window_rope);
  return longest;
}

graph::Graph build(const Decoder& decoder, const Workload& workload) {
  check(decoder, workload);
  Nodes nodes(decoder, workload);
  const auto tokens =
      nodes.graph.add_input("tokens", graph::ElementType::index, {nodes.batch, nodes.length});
  if (workload.packed) nodes.packing = add_packing(nodes);
  const auto embedding = nodes.graph.add_parameter(
      decoder.names.embedding + ".weight",
      {decoder.vocabulary, decoder.embedding_size == 0 ? decoder.hidden : decoder.embedding_size});
  const auto tables = add_attention_tables(nodes);
  auto x_BTC = add_embedding(nodes, tokens, embedding);
  for (std::int64_t layer = 0; layer < decoder.layers; ++layer)
    x_BTC = add_layer(nodes, x_BTC, layer, tables);
  add_outputs(nodes.graph, add_head(nodes, add_scored(nodes, x_BTC, workload.scored)), workload);
  return std::move(nodes.graph);
}

}  // namespace gainsweep::model
