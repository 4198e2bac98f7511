#include "models.hpp"

#include "base/error.hpp"

namespace gainsweep::graph::models {
namespace {

/// [tokens, heads·size] → [1, heads, tokens, size].
ValueId split_heads(Graph& graph, ValueId input, std::int64_t heads) {
  const Shape shape = graph.value(input).shape;
  const std::int64_t size = shape[2] / heads;
  const ValueId view =
      graph.add_node("aten::view", {input, std::vector<std::int64_t>{1, shape[1], heads, size}},
                     {1, shape[1], heads, size}, "");
  return graph.add_node("aten::transpose.int", {view, std::int64_t{1}, std::int64_t{2}},
                        {1, heads, shape[1], size}, "");
}

ValueId rotate(Graph& graph, ValueId input) {
  const Shape shape = graph.value(input).shape;
  const Shape table{shape[2], shape[3]};
  const std::vector<double> zeros(static_cast<std::size_t>(num_elements(table)));
  const ValueId cos = graph.add_constant("cos", table, zeros);
  const ValueId sin = graph.add_constant("sin", table, zeros);
  const ValueId turned = unary(graph, "aten::roll", input);
  return add(graph, mul(graph, input, cos), mul(graph, turned, sin));
}

ValueId repeat(Graph& graph, ValueId input, std::int64_t heads) {
  Shape shape = graph.value(input).shape;
  const std::int64_t times = heads / shape[1];
  shape[1] = heads;
  return graph.add_node("aten::repeat_interleave.self_int", {input, times, std::int64_t{1}}, shape,
                        "");
}

ValueId norm(Graph& graph, ValueId input, const std::string& path) {
  const Shape shape = graph.value(input).shape;
  const ValueId weight = graph.add_parameter(path + ".weight", {shape.back()});
  return graph.add_node("aten::rms_norm",
                        {input, std::vector<std::int64_t>{shape.back()}, weight, 1e-5}, shape,
                        path);
}

}  // namespace

ValueId linear(Graph& graph, ValueId input, std::int64_t outputs, const std::string& path) {
  Shape shape = graph.value(input).shape;
  const ValueId weight = graph.add_parameter(path + ".weight", {outputs, shape.back()});
  shape.back() = outputs;
  return graph.add_node("aten::linear", {input, weight}, shape, path);
}

ValueId add(Graph& graph, ValueId a, ValueId b) {
  return graph.add_node("aten::add.Tensor", {a, b}, graph.value(a).shape, "");
}

ValueId mul(Graph& graph, ValueId a, ValueId b) {
  return graph.add_node("aten::mul.Tensor", {a, b}, graph.value(a).shape, "");
}

ValueId unary(Graph& graph, const std::string& op, ValueId input) {
  return graph.add_node(op, {input}, graph.value(input).shape, "");
}

ValueId conv2d(Graph& graph, ValueId input, std::int64_t outputs, std::int64_t kernel,
               std::int64_t groups, const std::string& path) {
  Shape shape = graph.value(input).shape;
  const ValueId weight =
      graph.add_parameter(path + ".weight", {outputs, shape[1] / groups, kernel, kernel});
  shape[1] = outputs;
  const std::vector<std::int64_t> ones{1, 1};
  const std::vector<std::int64_t> same{kernel / 2, kernel / 2};
  return graph.add_node("aten::conv2d", {input, weight, std::monostate{}, ones, same, ones, groups},
                        shape, path);
}

ValueId attention(Graph& graph, ValueId input, const Sizes& sizes, const std::string& path,
                  std::optional<ValueId> mask) {
  const std::int64_t size = sizes.hidden / sizes.heads;
  const ValueId q = linear(graph, input, sizes.hidden, path + ".q");
  const ValueId k = linear(graph, input, sizes.kv_heads * size, path + ".k");
  const ValueId v = linear(graph, input, sizes.kv_heads * size, path + ".v");
  const ValueId queries = rotate(graph, split_heads(graph, q, sizes.heads));
  const ValueId keys =
      repeat(graph, rotate(graph, split_heads(graph, k, sizes.kv_heads)), sizes.heads);
  const ValueId values = repeat(graph, split_heads(graph, v, sizes.kv_heads), sizes.heads);
  const ValueId turned =
      graph.add_node("aten::transpose.int", {keys, std::int64_t{2}, std::int64_t{3}},
                     {1, sizes.heads, size, sizes.tokens}, "");
  const Shape scores{1, sizes.heads, sizes.tokens, sizes.tokens};
  const ValueId qk = graph.add_node("aten::matmul", {queries, turned}, scores, path + ".qk");
  const ValueId weights = unary(graph, "aten::softmax.int", mask ? add(graph, qk, *mask) : qk);
  const ValueId av = graph.add_node("aten::matmul", {weights, values},
                                    {1, sizes.heads, sizes.tokens, size}, path + ".av");
  return graph.add_node("aten::reshape",
                        {av, std::vector<std::int64_t>{1, sizes.tokens, sizes.hidden}},
                        {1, sizes.tokens, sizes.hidden}, "");
}

ValueId gated_mlp(Graph& graph, ValueId input, const Sizes& sizes, const std::string& path) {
  const ValueId gate =
      unary(graph, "aten::silu", linear(graph, input, sizes.intermediate, path + ".gate"));
  const ValueId up = linear(graph, input, sizes.intermediate, path + ".up");
  return linear(graph, mul(graph, gate, up), sizes.hidden, path + ".down");
}

Graph llama(std::size_t num_layers, bool tied, const Sizes& sizes) {
  Graph graph{.name = "llama"};
  const ValueId tokens = graph.add_input("tokens", ElementType::index, {1, sizes.tokens});
  const ValueId table = graph.add_parameter("embed.weight", {sizes.vocabulary, sizes.hidden});
  ValueId x =
      graph.add_node("aten::embedding", {table, tokens}, {1, sizes.tokens, sizes.hidden}, "embed");
  for (std::size_t i = 0; i < num_layers; ++i) {
    const std::string path = "layers." + std::to_string(i);
    const ValueId heads =
        attention(graph, norm(graph, x, path + ".attention.norm"), sizes, path + ".attention");
    x = add(graph, x, linear(graph, heads, sizes.hidden, path + ".attention.o"));
    x = add(graph, x, gated_mlp(graph, norm(graph, x, path + ".mlp.norm"), sizes, path + ".mlp"));
  }
  x = norm(graph, x, "norm");
  const ValueId head =
      tied ? table : graph.add_parameter("lm_head.weight", {sizes.vocabulary, sizes.hidden});
  graph.outputs.push_back(
      graph.add_node("aten::linear", {x, head}, {1, sizes.tokens, sizes.vocabulary}, "lm_head"));
  return graph;
}

std::vector<std::string> names(const Partition& partition) {
  std::vector<std::string> result;
  for (const Subgraph& subgraph : partition.subgraphs) result.push_back(subgraph.name);
  return result;
}

std::string refusal(const Graph& graph, const PartitionSpec& spec, std::size_t num_formats) {
  try {
    partition(graph, spec, num_formats);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::config ? error.what() : "";
  }
  return {};
}

}  // namespace gainsweep::graph::models
