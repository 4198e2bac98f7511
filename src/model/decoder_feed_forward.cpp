#include "model/decoder_feed_forward.hpp"

namespace gainsweep::model {

using graph::Argument;
using graph::ValueId;

const Table<Activation>& activations() {
  static const Table<Activation> table{{"silu", "aten::silu", nullptr, "silu"},
                                       {"swish", "aten::silu", nullptr, "silu"},
                                       {"gelu", "aten::gelu", "none", "gelu"},
                                       {"gelu_new", "aten::gelu", "tanh", "gelu"},
                                       {"gelu_fast", "aten::gelu", "tanh", "gelu"},
                                       {"gelu_pytorch_tanh", "aten::gelu", "tanh", "gelu"},
                                       {"relu", "aten::relu", nullptr, "relu"}};
  return table;
}

ValueId activate(Nodes& nodes, ValueId x, const std::string& path) {
  const auto& activation = activations().at(nodes.decoder.activation);
  std::vector<Argument> arguments{x};
  if (activation.approximation) arguments.emplace_back(std::string(activation.approximation));
  return nodes.add(activation.op, std::move(arguments), nodes.shape(x),
                   path + "." + activation.leaf);
}

ValueId add_feed_forward(Nodes& nodes, ValueId x_BTC, const std::string& layer,
                         const std::string& path) {
  const auto& decoder = nodes.decoder;
  const auto& names = decoder.names;
  const auto F = decoder.intermediate;
  const bool bias = decoder.feed_forward_bias;
  const bool gated = !names.gate.empty();
  const std::int64_t rows = gated && names.gate == names.up ? 2 * F : 0;
  const auto wide = [&](const std::string& name, const char* leaf, std::int64_t first) {
    return nodes.linear(x_BTC, layer + name, F, bias, path + leaf,
                        {rows == 0 ? 0 : first, rows, decoder.transposed});
  };
  ValueId inner_BTF;
  if (gated) {
    const auto gate = wide(names.gate, ".gate", 0);
    const auto up = wide(names.up, ".up", F);
    const auto opened = activate(nodes, gate, path);
    inner_BTF = nodes.add("aten::mul.Tensor", {opened, up}, nodes.shape(opened), path + ".product");
  } else {
    inner_BTF = activate(nodes, wide(names.up, ".up", 0), path);
  }
  return nodes.linear(inner_BTF, layer + names.down, decoder.hidden, bias, path + ".down",
                      {.transposed = decoder.transposed});
}

}  // namespace gainsweep::model
