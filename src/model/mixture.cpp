#include "model/mixture.hpp"

#include <tuple>
#include <utility>

#include "model/decoder_feed_forward.hpp"

namespace gainsweep::model {
namespace {

using graph::Shape;
using graph::ValueId;

// Shape letters beside those of Nodes: E experts, S of them chosen by a token, F the size of one.

constexpr std::int64_t last = -1;

/// What the router says of each token.
struct Routing {
  ValueId chosen_BTE;   ///< 1 where a token chooses the expert, else 0
  ValueId weights_BTE;  ///< of what the chosen experts give, else 0
};

/// A product with a turned parameter is no quantizable op (graph::quantizable_ops).
ValueId add_router_logits(Nodes& nodes, ValueId x_BTC, const std::string& layer,
                          const std::string& path) {
  const auto& mixture = *nodes.decoder.mixture;
  const auto [experts, hidden] = std::pair(mixture.experts, nodes.decoder.hidden);
  const auto weight_EC =
      nodes.graph.add_parameter(layer + mixture.names.router + ".weight", {experts, hidden});
  const auto weight_CE = nodes.add("aten::t", {weight_EC}, {hidden, experts}, path);
  const Shape all_BTE{nodes.batch, nodes.length, experts};
  const auto logits = nodes.add("aten::matmul", {x_BTC, weight_CE}, all_BTE, path);
  return nodes.add("gainsweep::at_least_fp32", {logits}, all_BTE, path);
}

Routing add_routing(Nodes& nodes, ValueId logits_BTE, const std::string& path) {
  const auto& mixture = *nodes.decoder.mixture;
  const Shape all_BTE = nodes.shape(logits_BTE);
  const Shape top_BTS{nodes.batch, nodes.length, mixture.chosen};
  const auto parts = nodes.add("aten::softmax.int", {logits_BTE, last}, all_BTE, path);
  auto top = nodes.add("aten::topk", {parts, mixture.chosen, last}, top_BTS, path);
  const auto places = nodes.graph.add_output(top_BTS, graph::ElementType::index);
  if (mixture.normalised) {
    const auto sum = nodes.add("aten::sum.dim_IntList", {top, Shape{last}, true},
                               {nodes.batch, nodes.length, 1}, path);
    top = nodes.add("aten::div.Tensor", {top, sum}, top_BTS, path);
  }
  const auto nothing = nodes.add("aten::zeros_like", {parts}, all_BTE, path);
  const auto chosen = nodes.add("aten::scatter.value", {nothing, last, places, 1.0}, all_BTE, path);
  const auto weights = nodes.add("aten::scatter.src", {nothing, last, places, top}, all_BTE, path);
  const auto as_real = [&](ValueId x) {
    return nodes.add("aten::to.dtype", {x, std::string("real")}, all_BTE, path);
  };
  return {as_real(chosen), as_real(weights)};
}

/// Rows [first, first + rows) of one expert's matrix in a fused parameter.
ValueId add_rows(Nodes& nodes, ValueId fused, std::int64_t expert, std::int64_t first,
                 std::int64_t rows, const std::string& path) {
  const Shape shape = nodes.shape(fused);
  const auto whole =
      nodes.add("aten::select.int", {fused, std::int64_t{0}, expert}, {shape[1], shape[2]}, path);
  if (rows == shape[1]) return whole;
  return nodes.add("aten::slice.Tensor", {whole, std::int64_t{0}, first, first + rows},
                   {rows, shape[2]}, path);
}

/// The weights of one expert.
struct Expert {
  ValueId gate_FC;
  ValueId up_FC;
  ValueId down_CF;
};

Expert add_weights(Nodes& nodes, std::int64_t expert, const std::string& layer,
                   const std::string& path) {
  const auto& mixture = *nodes.decoder.mixture;
  const auto [E, C, F] = std::tuple(mixture.experts, nodes.decoder.hidden, mixture.intermediate);
  const auto& names = mixture.names;
  const auto experts = layer + names.experts + ".";
  const auto parameter = [&](const std::string& name, const Shape& shape) {
    return nodes.graph.add_parameter(experts + name, shape);
  };
  if (mixture.fused) {
    const auto both = parameter("gate_up_proj", {E, 2 * F, C});
    const auto down = parameter("down_proj", {E, C, F});
    return {add_rows(nodes, both, expert, 0, F, path + ".gate"),
            add_rows(nodes, both, expert, F, F, path + ".up"),
            add_rows(nodes, down, expert, 0, C, path + ".down")};
  }
  const auto own = std::to_string(expert) + ".";
  return {parameter(own + names.gate + ".weight", {F, C}),
          parameter(own + names.up + ".weight", {F, C}),
          parameter(own + names.down + ".weight", {C, F})};
}

/// What one expert adds: [B, T, C].
ValueId add_expert(Nodes& nodes, ValueId x_BTC, std::int64_t expert, const Routing& routing,
                   const std::string& layer, const std::string& path) {
  const auto& mixture = *nodes.decoder.mixture;
  const auto own = path + "." + std::to_string(expert);
  const Shape narrow_BTC = nodes.shape(x_BTC);
  const Shape wide_BTF{nodes.batch, nodes.length, mixture.intermediate};
  const auto of_expert = [&](ValueId all_BTE) {
    return nodes.add("aten::slice.Tensor", {all_BTE, std::int64_t{2}, expert, expert + 1},
                     {nodes.batch, nodes.length, 1}, own);
  };
  const auto linear = [&](ValueId x, ValueId weight, const Shape& shape, const char* leaf) {
    const auto y = nodes.add("aten::linear", {x, weight}, shape, own + leaf);
    nodes.graph.nodes.back().needed =
        static_cast<double>(mixture.chosen) / static_cast<double>(mixture.experts);
    return y;
  };
  const auto weights = add_weights(nodes, expert, layer, own);
  const auto seen =
      nodes.add("aten::mul.Tensor", {x_BTC, of_expert(routing.chosen_BTE)}, narrow_BTC, own);
  const auto gate = linear(seen, weights.gate_FC, wide_BTF, ".gate");
  const auto up = linear(seen, weights.up_FC, wide_BTF, ".up");
  const auto opened = activate(nodes, gate, own);
  const auto product = nodes.add("aten::mul.Tensor", {opened, up}, wide_BTF, own + ".product");
  const auto given = linear(product, weights.down_CF, narrow_BTC, ".down");
  return nodes.add("aten::mul.Tensor", {given, of_expert(routing.weights_BTE)}, narrow_BTC, own);
}

}  // namespace

ValueId add_mixture(Nodes& nodes, ValueId x_BTC, const std::string& layer,
                    const std::string& path) {
  const auto router = path + ".router";
  const auto routing = add_routing(nodes, add_router_logits(nodes, x_BTC, layer, router), router);
  const auto experts = [&](std::int64_t expert) {
    return add_expert(nodes, x_BTC, expert, routing, layer, path + ".experts");
  };
  auto sum = experts(0);
  for (std::int64_t expert = 1; expert < nodes.decoder.mixture->experts; ++expert)
    sum = nodes.sum(sum, experts(expert), path + ".experts");
  return sum;
}

std::vector<std::string> mixture_ties() {
  return {"layers.*.mlp.experts.*.[gu]*", "layers.*.mlp.experts.*.down"};
}

}  // namespace gainsweep::model
