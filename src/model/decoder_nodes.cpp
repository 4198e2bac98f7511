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

ValueId Nodes::select(ValueId x, std::int64_t dimension, ValueId places, const std::string& path) {
  Shape part = shape(x);
  part[static_cast<std::size_t>(dimension)] = shape(places)[0];
  return add("aten::index_select", {x, dimension, places}, std::move(part), path);
}

ValueId Nodes::slice(ValueId x, std::int64_t dimension, std::int64_t first, std::int64_t last,
                     const std::string& path) {
  Shape part = shape(x);
  part[static_cast<std::size_t>(dimension)] = last - first;
  return add("aten::slice.Tensor", {x, dimension, first, last}, std::move(part), path);
}

ValueId Nodes::capped(ValueId scaled, double cap, const std::string& path) {
  const Shape whole = shape(scaled);
  const auto bounded = add("aten::tanh", {scaled}, whole, path);
  return add("aten::mul.Scalar", {bounded, cap}, whole, path);
}

ValueId Nodes::linear(ValueId x, const std::string& name, std::int64_t out, bool bias,
                      const std::string& path, const Stored& stored) {
  Shape shape = this->shape(x);
  const auto in = std::exchange(shape.back(), out);
  const auto rows = stored.rows == 0 ? out : stored.rows;
  const auto last = stored.first + out;
  auto weight =
      graph.add_parameter(name + ".weight", stored.transposed ? Shape{in, rows} : Shape{rows, in});
  if (rows != out) weight = slice(weight, stored.transposed ? 1 : 0, stored.first, last, path);
  if (stored.transposed) weight = add("aten::t", {weight}, {out, in}, path);
  std::vector<Argument> arguments{x, weight};
  if (bias) {
    const auto whole = graph.add_parameter(name + ".bias", {rows});
    arguments.emplace_back(rows == out ? whole : slice(whole, 0, stored.first, last, path));
  }
  return add("aten::linear", std::move(arguments), std::move(shape), path);
}

ValueId Nodes::norm(ValueId x, const std::string& name, const std::string& path) {
  const Shape whole = shape(x);
  const Shape last{whole.back()};
  Argument weight, bias;
  if (decoder.norm_parameters) {
    auto stored = graph.add_parameter(name + ".weight", last);
    if (decoder.norm_weight_plus_one) stored = add("aten::add.Scalar", {stored, 1.0}, last, path);
    weight = stored;
  }
  if (decoder.norm == NormKind::rms)
    return add("aten::rms_norm", {x, last, weight, decoder.norm_epsilon}, whole, path);
  if (decoder.norm_parameters) bias = graph.add_parameter(name + ".bias", last);
  return add("aten::layer_norm", {x, last, weight, bias, decoder.norm_epsilon}, whole, path);
}

}  // namespace gainsweep::model
