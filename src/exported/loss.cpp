#include "exported/loss.hpp"

#include "base/error.hpp"
#include "graph/print.hpp"
#include "model/outputs.hpp"

namespace gainsweep::exported {
namespace {

using graph::Graph;
using graph::Shape;
using graph::ValueId;

constexpr double similarity_factor = 20;

void check_dimensions(const Graph& graph, ValueId output, std::size_t wanted, const char* form) {
  const auto& value = graph.value(output);
  const auto& shape = value.shape;
  if (shape.size() == wanted && value.type == graph::ElementType::real && shape.back() > 1) return;
  throw Error(ErrorKind::input, "the model's first output has sizes " + graph::to_text(shape) +
                                    ", and this loss is of " + form +
                                    ". Choose another `model.loss`, or export a model whose "
                                    "`forward` returns that first");
}

Scored score_class(Graph& graph, ValueId output, std::int64_t) {
  check_dimensions(graph, output, 2, "class scores [rows, classes]");
  return {output};
}

Scored score_tokens(Graph& graph, ValueId output, std::int64_t) {
  check_dimensions(graph, output, 3, "class scores [rows, places, classes]");
  return {output};
}

/// Rows over their lengths.
ValueId normalised(Graph& graph, ValueId rows) {
  const Shape shape = graph.value(rows).shape;
  const auto norm =
      graph.add_node("aten::linalg_vector_norm", {rows, 2.0, std::vector<std::int64_t>{-1}, true},
                     {shape[0], 1}, "loss");
  const auto at_least = graph.add_node("aten::clamp_min", {norm, 1e-12}, {shape[0], 1}, "loss");
  return graph.add_node("aten::div.Tensor", {rows, at_least}, shape, "loss");
}

ValueId part(Graph& graph, ValueId rows, std::int64_t first, std::int64_t last) {
  return graph.add_node("aten::slice.Tensor", {rows, std::int64_t{0}, first, last},
                        {last - first, graph.value(rows).shape[1]}, "loss");
}

/// Sums of products, not a product of matrices: this one is no op that takes a format.
Scored score_candidates(Graph& graph, ValueId output, std::int64_t rows) {
  check_dimensions(graph, output, 2, "embeddings [rows, size]");
  const auto unit = normalised(graph, output);
  const auto size = graph.value(unit).shape[1];
  const auto candidates = part(graph, unit, 1, rows);
  const auto products = graph.add_node("aten::mul.Tensor", {candidates, part(graph, unit, 0, 1)},
                                       {rows - 1, size}, "loss");
  const auto cosines = graph.add_node("aten::sum.dim_IntList",
                                      {products, std::vector<std::int64_t>{1}}, {rows - 1}, "loss");
  const auto scaled =
      graph.add_node("aten::mul.Scalar", {cosines, similarity_factor}, {rows - 1}, "loss");
  const Shape shape{1, rows - 1};
  return {graph.add_node("aten::reshape", {scaled, shape}, shape, "loss")};
}

Scored score_divergence(Graph& graph, ValueId output, std::int64_t) {
  const auto& shape = graph.value(output).shape;
  check_dimensions(graph, output, shape.size() == 3 ? 3 : 2, "class scores [rows, …, classes]");
  const auto classes = graph.value(output).shape.back();
  const Shape targets{graph::num_elements(graph.value(output).shape) / classes};
  const Shape flat{targets[0], classes};
  const auto rows = graph.add_node("aten::reshape", {output, flat}, flat, "loss");
  const auto draws = graph.add_input(model::draws_input, graph::ElementType::fp32, targets);
  return {output, graph.add_node("gainsweep::drawn_classes", {rows, draws}, targets, "loss",
                                 graph::ElementType::index)};
}

}  // namespace

const Table<Loss>& losses() {
  static const Table<Loss> table{
      {.name = "class", .score = score_class},
      {.name = "tokens", .score = score_tokens},
      {.name = "candidates", .of_groups = true, .score = score_candidates},
      {.name = "divergence", .has_labels = false, .score = score_divergence}};
  return table;
}

}  // namespace gainsweep::exported
