#include "exported/attention.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/text.hpp"
#include "exported/reads.hpp"

namespace gainsweep::exported {
namespace {

using graph::Shape;
using graph::ValueId;

void check(const Translator& translator, const Call& call) {
  if (call.value_or("dropout_p", 0.0) > 0)
    translator.refuse(call.node, "drops weights", "Call model.eval() before exporting");
  if (call.value_or("enable_gqa", false))
    translator.refuse(call.node, "has groups of heads that share keys",
                      "Repeat keys and values in the model before the call");
}

void check_shapes(const Translator& translator, const Call& call, const std::array<Shape, 3>& all) {
  constexpr std::int64_t most_scores = std::int64_t{1} << 28;
  const auto rank = all[0].size();
  const bool fit = rank >= 3 && all[1].size() == rank && all[2].size() == rank;
  if (fit && all[0][rank - 2] < most_scores / std::max<std::int64_t>(1, all[1][rank - 2])) return;
  translator.refuse(call.node, "multiplies tensors that are no queries, keys and values",
                    "Give it a batch of heads, each a matrix");
}

/// 1 where a query sees a key: the lower triangle.
ValueId causal_mask(graph::Graph& graph, std::int64_t queries, std::int64_t keys) {
  std::vector<double> sees;
  for (std::int64_t q = 0; q < queries; ++q)
    for (std::int64_t k = 0; k < keys; ++k) sees.push_back(k <= q ? 1 : 0);
  return graph.add_constant("causal", {queries, keys}, std::move(sees),
                            graph::ElementType::boolean);
}

/// Scores under a mask: truth values say what is seen, reals are added.
ValueId masked(graph::Graph& graph, ValueId scores, ValueId mask, const std::string& path) {
  const Shape shape = graph.value(scores).shape;
  if (graph.value(mask).type != graph::ElementType::boolean)
    return graph.add_node("aten::add.Tensor", {scores, mask}, shape, path);
  const auto hidden = graph.add_node("aten::logical_not", {mask}, graph.value(mask).shape, path,
                                     graph::ElementType::boolean);
  return graph.add_node("aten::masked_fill.Scalar",
                        {scores, hidden, -std::numeric_limits<double>::infinity()}, shape, path);
}

}  // namespace

void write_attention(Translator& translator, const Call& call) {
  check(translator, call);
  auto& graph = translator.graph();
  const auto path = call.node.module;
  const auto query = translator.operand(call, "query");
  const auto key = translator.operand(call, "key");
  const auto value = translator.operand(call, "value");
  const Shape queries = translator.shape(query);
  check_shapes(translator, call, {queries, translator.shape(key), translator.shape(value)});
  Shape turned = translator.shape(key), scores = queries;
  scores.back() = turned[turned.size() - 2];
  std::swap(turned[turned.size() - 1], turned[turned.size() - 2]);
  const auto factor = call.value_or("scale", 1 / std::sqrt(static_cast<double>(queries.back())));
  const auto scaled = graph.add_node("aten::mul.Scalar", {query, factor}, queries, path);
  const auto keys = graph.add_node("aten::transpose.int", {key, std::int64_t{-2}, std::int64_t{-1}},
                                   turned, path);
  auto weights =
      graph.add_node("aten::matmul", {scaled, keys}, scores, translator.op_path(call.node, ".qk"));
  auto softmax = "aten::softmax.int";
  auto mask = call.tensor("attn_mask");
  if (mask) {
    const auto own = translator.value(*mask);
    weights = masked(graph, weights, own, path);
    if (graph.value(own).type == graph::ElementType::boolean) softmax = "aten::_safe_softmax";
  }
  if (call.value_or("is_causal", false)) {
    weights =
        masked(graph, weights, causal_mask(graph, scores[scores.size() - 2], scores.back()), path);
  }
  weights = graph.add_node(softmax, {weights, std::int64_t{-1}}, scores, path);
  const auto result = translator.result(call.node);
  translator.name(result,
                  graph.add_node("aten::matmul", {weights, value}, translator.shape_of(result),
                                 translator.op_path(call.node, ".av")));
}

}  // namespace gainsweep::exported
