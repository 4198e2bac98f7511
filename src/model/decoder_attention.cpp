#include "model/decoder_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace gainsweep::model {
namespace {

using graph::Shape;
using graph::ValueId;

/// What scores are multiplied by, and divided by the cap that they then get.
double score_factor(const Decoder& decoder, std::int64_t layer) {
  double factor =
      decoder.attention_scale.value_or(1 / std::sqrt(static_cast<double>(decoder.head_size)));
  if (decoder.attention_scale_by_layer) factor /= static_cast<double>(layer + 1);
  return decoder.attention_softcap == 0 ? factor : factor / decoder.attention_softcap;
}

/// Numbers of a head that turn.
std::int64_t num_rotated(const Decoder& decoder) {
  return static_cast<std::int64_t>(static_cast<double>(decoder.head_size) * decoder.rotated_share);
}

Rotation add_rotation(Nodes& nodes, const std::string& name, RopeTable table, std::int64_t length,
                      double factor) {
  for (auto* half : {&table.cos, &table.sin}) {
    for (auto& element : *half) element *= factor;
  }
  const auto rotated = num_rotated(nodes.decoder);
  const auto rest = nodes.decoder.head_size - rotated;
  const Shape half{length, 1, rotated / 2};
  const auto cos = nodes.graph.add_constant(name + ".cos", half, std::move(table.cos));
  const auto sin = nodes.graph.add_constant(name + ".sin", half, std::move(table.sin));
  const auto negated = nodes.add("aten::neg", {sin}, half, name);
  const auto joined = [&](std::vector<ValueId> parts, const char* leaf, double number) {
    if (rest != 0) {
      const auto one = nodes.graph.add_constant(name + leaf, {1, 1, 1}, {number});
      const Shape unturned{length, 1, rest};
      parts.push_back(nodes.add("aten::expand", {one, unturned}, unturned, name));
    }
    return nodes.add("aten::cat", {parts, std::int64_t{2}}, {length, 1, nodes.decoder.head_size},
                     name);
  };
  const auto whole_cos = joined({cos, cos}, ".rest_cos", factor);
  return {whole_cos, joined({negated, sin}, ".rest_sin", 0)};
}

Rotations add_rotations(Nodes& nodes, const std::string& name, const Rope& rope) {
  // No packed sequence is longer than the decoder allows, whatever all of them are together.
  const auto length =
      nodes.packing ? std::min(nodes.length, longest_packed(nodes.decoder)) : nodes.length;
  const auto table = rope_table(rope, num_rotated(nodes.decoder), length);
  const auto factor = score_factor(nodes.decoder, 0);
  const auto query = add_rotation(nodes, name + ".query", table, length, factor);
  return {query, add_rotation(nodes, name + ".key", table, length, 1)};
}

bool has_window(const Decoder& decoder, std::int64_t layer) {
  return !decoder.windows.empty() && decoder.windows.at(static_cast<std::size_t>(layer)) != 0;
}

/// A layer's window where it hides anything from sequences of this length, else 0.
std::int64_t window_of(const Nodes& nodes, std::int64_t layer) {
  const auto& windows = nodes.decoder.windows;
  if (windows.empty()) return 0;
  const auto window = windows.at(static_cast<std::size_t>(layer));
  return window < nodes.length ? window : 0;
}

/// Exact zeros after the softmax above the diagonal and, with a window, beyond it. Of packed
/// sequences each layer makes its own: what a segment of the graph reads is given or its own.
void add_masks(Nodes& nodes, AttentionTables& tables) {
  if (nodes.packing) return;
  const Shape square{nodes.length, nodes.length};
  const auto blocked =
      nodes.graph.add_constant("mask.blocked", {1, 1}, {-std::numeric_limits<double>::infinity()});
  const auto all = nodes.add("aten::expand", {blocked, square}, square, "mask");
  const auto later = nodes.add("aten::triu", {all, std::int64_t{1}}, square, "mask");
  for (std::int64_t layer = 0; layer < nodes.decoder.layers; ++layer) {
    const auto window = window_of(nodes, layer);
    if (tables.masks.contains(window)) continue;
    tables.masks[window] = later;
    if (window == 0) continue;
    const auto path = "mask.window" + std::to_string(window);
    const auto distant = nodes.add("aten::tril", {all, -window}, square, path);
    tables.masks[window] = nodes.sum(later, distant, path);
  }
}

/// The rotation of each token.
Rotation at_positions(Nodes& nodes, const Rotation& rotation, const std::string& path) {
  if (!nodes.packing) return rotation;
  const auto positions = nodes.packing->positions;
  return {nodes.select(rotation.cos, 0, positions, path),
          nodes.select(rotation.sin, 0, positions, path)};
}

/// x·cos + swap(x)·sin, where swap exchanges the halves of the numbers that turn.
ValueId rotate(Nodes& nodes, ValueId x_BTHD, const Rotation& by_position, const std::string& path) {
  const auto rotation = at_positions(nodes, by_position, path);
  const Shape shape = nodes.shape(x_BTHD);
  const std::int64_t dim = 3;
  const auto rotated = num_rotated(nodes.decoder);
  const auto left = nodes.slice(x_BTHD, dim, 0, rotated / 2, path);
  const auto right = nodes.slice(x_BTHD, dim, rotated / 2, rotated, path);
  std::vector<ValueId> parts{right, left};
  if (rotated != shape[3]) parts.push_back(nodes.slice(x_BTHD, dim, rotated, shape[3], path));
  const auto swapped = nodes.add("aten::cat", {parts, dim}, shape, path);
  const auto kept = nodes.add("aten::mul.Tensor", {x_BTHD, rotation.cos}, shape, path);
  const auto turned = nodes.add("aten::mul.Tensor", {swapped, rotation.sin}, shape, path);
  return nodes.sum(kept, turned, path);
}

/// One of queries, keys and values: its matrix and how it becomes heads.
struct Projection {
  std::string name;         ///< of the matrix
  std::int64_t count;       ///< of heads
  std::int64_t first_head;  ///< among the rows of all three
  std::string norm{};       ///< of heads; none where empty
};

/// A linear layer whose outputs are heads: [B, T, heads, D].
ValueId heads(Nodes& nodes, ValueId x_BTC, const Projection& projection, const std::string& path) {
  const auto& decoder = nodes.decoder;
  const auto D = decoder.head_size;
  Stored stored{.transposed = decoder.transposed};
  if (decoder.names.query == decoder.names.key) {
    stored.first = projection.first_head * D;
    stored.rows = (decoder.heads + 2 * decoder.key_value_heads) * D;
  }
  const bool normed = !projection.norm.empty();
  auto y = nodes.linear(x_BTC, projection.name, projection.count * D, decoder.query_key_value_bias,
                        path, stored);
  if (normed && decoder.query_key_norm == QueryKeyNorm::all_heads)
    y = nodes.norm(y, projection.norm, path + "_norm");
  y = nodes.reshape(y, {nodes.batch, nodes.length, projection.count, D}, path);
  if (normed && decoder.query_key_norm == QueryKeyNorm::heads)
    y = nodes.norm(y, projection.norm, path + "_norm");
  return y;
}

/// The rotations of a layer; null where nothing turns.
const Rotations* rotations_of(const Nodes& nodes, std::int64_t layer,
                              const AttentionTables& tables) {
  if (tables.window_rotations && has_window(nodes.decoder, layer)) return &*tables.window_rotations;
  return tables.rotations ? &*tables.rotations : nullptr;
}

/// Queries as they are compared: turned, and times the factor of scores.
ValueId queries(Nodes& nodes, ValueId x_BTC, std::int64_t layer, const Projection& projection,
                const Rotations* rotations, const std::string& path) {
  const auto q_BTHD = heads(nodes, x_BTC, projection, path + ".q");
  if (rotations) return rotate(nodes, q_BTHD, rotations->query, path + ".rope");
  return nodes.add("aten::mul.Scalar", {q_BTHD, score_factor(nodes.decoder, layer)},
                   nodes.shape(q_BTHD), path + ".qk");
}

ValueId keys(Nodes& nodes, ValueId x_BTC, const Projection& projection, const Rotations* rotations,
             const std::string& path) {
  const auto k_BTKD = heads(nodes, x_BTC, projection, path + ".k");
  return rotations ? rotate(nodes, k_BTKD, rotations->key, path + ".rope") : k_BTKD;
}

/// [B, T, heads, D] with its middle dimensions exchanged, or back.
ValueId swap_heads(Nodes& nodes, ValueId x, const std::string& path) {
  Shape shape = nodes.shape(x);
  std::swap(shape[1], shape[2]);
  return nodes.add("aten::transpose.int", {x, std::int64_t{1}, std::int64_t{2}}, shape, path);
}

/// Scores with −∞ where a token is unseen.
ValueId masked(Nodes& nodes, ValueId scores_BHTT, std::int64_t layer, const AttentionTables& tables,
               const std::string& path) {
  const auto window = window_of(nodes, layer);
  if (!nodes.packing) return nodes.sum(scores_BHTT, tables.masks.at(window), path);
  const auto& [positions, parts] = *nodes.packing;
  return nodes.add("gainsweep::mask_packed", {scores_BHTT, positions, parts, window},
                   nodes.shape(scores_BHTT), path);
}

/// The attention weights, [B, K, R, T] with R = G·T rows: the group's heads are stacked.
ValueId add_weights(Nodes& nodes, ValueId q_BKRD, ValueId k_BKDT, std::int64_t layer,
                    const AttentionTables& tables, const std::string& path) {
  const auto& decoder = nodes.decoder;
  const Shape scores_BHTT{nodes.batch, decoder.heads, nodes.length, nodes.length};
  const Shape grouped_BKRT{nodes.batch, decoder.key_value_heads, nodes.shape(q_BKRD)[2],
                           nodes.length};
  auto scores = nodes.add("aten::matmul", {q_BKRD, k_BKDT}, grouped_BKRT, path + ".qk");
  if (decoder.attention_softcap != 0)
    scores = nodes.capped(scores, decoder.attention_softcap, path + ".softcap");
  scores = nodes.reshape(scores, scores_BHTT, path + ".softmax");
  scores = masked(nodes, scores, layer, tables, path + ".softmax");
  scores =
      nodes.add("aten::softmax.int", {scores, std::int64_t{-1}}, scores_BHTT, path + ".softmax");
  return nodes.reshape(scores, grouped_BKRT, path + ".av");
}

}  // namespace

AttentionTables add_attention_tables(Nodes& nodes) {
  const auto& decoder = nodes.decoder;
  AttentionTables tables;
  if (num_rotated(decoder) != 0) {
    tables.rotations = add_rotations(nodes, "rope", decoder.rope);
    if (decoder.window_rope)
      tables.window_rotations = add_rotations(nodes, "rope.window", *decoder.window_rope);
  }
  add_masks(nodes, tables);
  return tables;
}

ValueId add_attention(Nodes& nodes, ValueId x_BTC, std::int64_t layer, const std::string& name,
                      const std::string& path, const AttentionTables& tables) {
  const auto& decoder = nodes.decoder;
  const auto& names = decoder.names;
  const auto [B, T, D] = std::tuple(nodes.batch, nodes.length, decoder.head_size);
  const auto [H, K] = std::pair(decoder.heads, decoder.key_value_heads);
  const bool normed = decoder.query_key_norm != QueryKeyNorm::none;
  const Projection query{name + names.query, H, 0, normed ? name + names.query_norm : ""};
  const Projection key{name + names.key, K, H, normed ? name + names.key_norm : ""};
  const auto* rotations = rotations_of(nodes, layer, tables);
  const auto q_BTHD = queries(nodes, x_BTC, layer, query, rotations, path);
  const auto k_BTKD = keys(nodes, x_BTC, key, rotations, path);
  const auto v_BTKD = heads(nodes, x_BTC, {name + names.value, K, H + K}, path + ".v");
  const auto q_BKRD =
      nodes.reshape(swap_heads(nodes, q_BTHD, path + ".qk"), {B, K, H / K * T, D}, path + ".qk");
  const auto k_BKDT =
      nodes.add("aten::permute", {k_BTKD, Shape{0, 2, 3, 1}}, {B, K, D, T}, path + ".qk");
  const auto v_BKTD = swap_heads(nodes, v_BTKD, path + ".av");
  const auto weights_BKRT = add_weights(nodes, q_BKRD, k_BKDT, layer, tables, path);
  const auto y_BKRD =
      nodes.add("aten::matmul", {weights_BKRT, v_BKTD}, {B, K, H / K * T, D}, path + ".av");
  const auto y_BTHD =
      swap_heads(nodes, nodes.reshape(y_BKRD, {B, H, T, D}, path + ".o"), path + ".o");
  return nodes.linear(nodes.reshape(y_BTHD, {B, T, H * D}, path + ".o"),
                      name + names.attention_output, decoder.hidden, decoder.attention_output_bias,
                      path + ".o", {.transposed = decoder.transposed});
}

}  // namespace gainsweep::model
