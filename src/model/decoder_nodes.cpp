#include "model/decoder_nodes.hpp"

#include <utility>

namespace gainsweep::model {

using graph::Argument;
using graph::Shape;
using graph::ValueId;

Nodes::Nodes(const Decoder& described, const Workload& workload)
    : decoder(described), batch(workload.batch), length(workload.length) {
  graph.name = decoder.family;
}

ValueId Nodes::add(const char* op, std::vector<Argument> arguments, Shape shape,
                   const std::string& path) {
  return graph.add_node(op, std::move(arguments), std::move(shape), path);
}

ValueId Nodes::reshape(ValueId x, const Shape& shape, const std::string& path) {
  return add("aten::reshape", {x, shape}, shape, path);
}

ValueId Nodes::sum(ValueId x, ValueId y, const std::string& path) {
  return add("aten::add.Tensor", {x, y}, shape(x), path);
}

ValueId Nodes::linear(ValueId x, const std::string& name, std::int64_t out, bool bias,
                      const std::string& path) {
  Shape shape = this->shape(x);
  const auto in = std::exchange(shape.back(), out);
  std::vector<Argument> arguments{x, graph.add_parameter(name + ".weight", {out, in})};
  if (bias) arguments.emplace_back(graph.add_parameter(name + ".bias", {out}));
  return add("aten::linear", std::move(arguments), std::move(shape), path);
}

ValueId Nodes::norm(ValueId x, const std::string& name, const std::string& path) {
  const Shape whole = shape(x);
  const auto weight = graph.add_parameter(name + ".weight", {whole.back()});
  return add("aten::rms_norm", {x, Shape{whole.back()}, weight, decoder.norm_epsilon}, whole, path);
}

}  // namespace gainsweep::model
