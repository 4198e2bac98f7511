#include "model/decoder_attention.hpp"

#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace gainsweep::model {
namespace {

using graph::Shape;
using graph::ValueId;

Rotation add_rotation(Nodes& nodes, const std::string& name, RopeTable table, double factor) {
  for (auto* half : {&table.cos, &table.sin}) {
    for (auto& element : *half) element *= factor;
  }
  const Shape half{nodes.length, 1, nodes.decoder.head_size / 2};
  const Shape full{nodes.length, 1, nodes.decoder.head_size};
  const auto cos = nodes.graph.add_constant(name + ".cos", half, std::move(table.cos));
  const auto sin = nodes.graph.add_constant(name + ".sin", half, std::move(table.sin));
  const auto negated = nodes.add("aten::neg", {sin}, half, name);
  return {nodes.add("aten::cat", {std::vector{cos, cos}, std::int64_t{2}}, full, name),
          nodes.add("aten::cat", {std::vector{negated, sin}, std::int64_t{2}}, full, name)};
}

/// A layer's window where it hides anything from sequences of this length, else 0.
std::int64_t window_of(const Nodes& nodes, std::int64_t layer) {
  const auto& windows = nodes.decoder.windows;
  if (windows.empty()) return 0;
  const auto window = windows.at(static_cast<std::size_t>(layer));
  return window < nodes.length ? window : 0;
}

/// Exact zeros after the softmax above the diagonal and, with a window, beyond it.
void add_masks(Nodes& nodes, AttentionTables& tables) {
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

/// x·cos + swap(x)·sin, where swap exchanges the halves of the last dimension.
ValueId rotate(Nodes& nodes, ValueId x_BTHD, const Rotation& rotation, const std::string& path) {
  const Shape shape = nodes.shape(x_BTHD);
  const std::int64_t size = shape[3];
  Shape half = shape;
  half[3] = size / 2;
  const std::int64_t dim = 3;
  const auto left =
      nodes.add("aten::slice.Tensor", {x_BTHD, dim, std::int64_t{0}, size / 2}, half, path);
  const auto right = nodes.add("aten::slice.Tensor", {x_BTHD, dim, size / 2, size}, half, path);
  const auto swapped = nodes.add("aten::cat", {std::vector{right, left}, dim}, shape, path);
  const auto kept = nodes.add("aten::mul.Tensor", {x_BTHD, rotation.cos}, shape, path);
  const auto turned = nodes.add("aten::mul.Tensor", {swapped, rotation.sin}, shape, path);
  return nodes.sum(kept, turned, path);
}

/// A linear layer whose outputs are heads: [B, T, heads, D].
ValueId heads(Nodes& nodes, ValueId x_BTC, const std::string& name, std::int64_t count,
              const std::string& path) {
  const auto& decoder = nodes.decoder;
  const auto y =
      nodes.linear(x_BTC, name, count * decoder.head_size, decoder.query_key_value_bias, path);
  return nodes.reshape(y, {nodes.batch, nodes.length, count, decoder.head_size}, path);
}

/// Queries or keys as they are compared: `name` ends in "q" or "k".
ValueId turned_heads(Nodes& nodes, ValueId x_BTC, const std::string& name, std::int64_t count,
                     const Rotation& rotation, const std::string& path) {
  auto x_BTHD = heads(nodes, x_BTC, name + "_proj", count, path);
  if (nodes.decoder.query_key_norm) x_BTHD = nodes.norm(x_BTHD, name + "_norm", path + "_norm");
  return rotate(nodes, x_BTHD, rotation, path.substr(0, path.rfind('.')) + ".rope");
}

/// [B, T, heads, D] with its middle dimensions exchanged, or back.
ValueId swap_heads(Nodes& nodes, ValueId x, const std::string& path) {
  Shape shape = nodes.shape(x);
  std::swap(shape[1], shape[2]);
  return nodes.add("aten::transpose.int", {x, std::int64_t{1}, std::int64_t{2}}, shape, path);
}

}  // namespace

AttentionTables add_attention_tables(Nodes& nodes) {
  const auto& decoder = nodes.decoder;
  const auto table = rope_table(decoder.rope, decoder.head_size, nodes.length);
  const double scaling = 1 / std::sqrt(static_cast<double>(decoder.head_size));
  AttentionTables tables;
  tables.query = add_rotation(nodes, "rope.query", table, scaling);
  tables.key = add_rotation(nodes, "rope.key", table, 1);
  add_masks(nodes, tables);
  return tables;
}

ValueId add_attention(Nodes& nodes, ValueId x_BTC, std::int64_t layer, const std::string& name,
                      const std::string& path, const AttentionTables& tables) {
  const auto& decoder = nodes.decoder;
  const auto [B, T, D] = std::tuple(nodes.batch, nodes.length, decoder.head_size);
  const auto [H, K] = std::pair(decoder.heads, decoder.key_value_heads);
  const Shape scores_BHTT{B, H, T, T};
  const Shape grouped_BKRT{B, K, H / K * T, T};  // R = G·T rows: the group's heads are stacked
  const auto mask = tables.masks.at(window_of(nodes, layer));
  const auto q_BTHD = turned_heads(nodes, x_BTC, name + ".q", H, tables.query, path + ".q");
  const auto k_BTKD = turned_heads(nodes, x_BTC, name + ".k", K, tables.key, path + ".k");
  const auto v_BTKD = heads(nodes, x_BTC, name + ".v_proj", K, path + ".v");
  const auto q_BKRD =
      nodes.reshape(swap_heads(nodes, q_BTHD, path + ".qk"), {B, K, H / K * T, D}, path + ".qk");
  const auto k_BKDT =
      nodes.add("aten::permute", {k_BTKD, Shape{0, 2, 3, 1}}, {B, K, D, T}, path + ".qk");
  const auto v_BKTD = swap_heads(nodes, v_BTKD, path + ".av");
  auto scores = nodes.add("aten::matmul", {q_BKRD, k_BKDT}, grouped_BKRT, path + ".qk");
  scores = nodes.reshape(scores, scores_BHTT, path + ".softmax");
  scores = nodes.sum(scores, mask, path + ".softmax");
  scores =
      nodes.add("aten::softmax.int", {scores, std::int64_t{-1}}, scores_BHTT, path + ".softmax");
  const auto weights_BKRT = nodes.reshape(scores, grouped_BKRT, path + ".av");
  const auto y_BKRD =
      nodes.add("aten::matmul", {weights_BKRT, v_BKTD}, {B, K, H / K * T, D}, path + ".av");
  const auto y_BTHD =
      swap_heads(nodes, nodes.reshape(y_BKRD, {B, H, T, D}, path + ".o"), path + ".o");
  return nodes.linear(nodes.reshape(y_BTHD, {B, T, H * D}, path + ".o"), name + ".o_proj",
                      decoder.hidden, decoder.attention_output_bias, path + ".o");
}

}  // namespace gainsweep::model
