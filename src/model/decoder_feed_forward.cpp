#include "model/decoder_feed_forward.hpp"

namespace gainsweep::model {

using graph::Shape;
using graph::ValueId;

ValueId add_feed_forward(Nodes& nodes, ValueId x_BTC, const std::string& name,
                         const std::string& path) {
  const auto& decoder = nodes.decoder;
  const Shape wide_BTF{nodes.batch, nodes.length, decoder.intermediate};
  const bool bias = decoder.feed_forward_bias;
  const auto gate =
      nodes.linear(x_BTC, name + ".gate_proj", decoder.intermediate, bias, path + ".gate");
  const auto up = nodes.linear(x_BTC, name + ".up_proj", decoder.intermediate, bias, path + ".up");
  const auto opened = nodes.add("aten::silu", {gate}, wide_BTF, path + ".silu");
  const auto product = nodes.add("aten::mul.Tensor", {opened, up}, wide_BTF, path + ".product");
  return nodes.linear(product, name + ".down_proj", decoder.hidden, bias, path + ".down");
}

}  // namespace gainsweep::model
