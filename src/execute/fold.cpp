#include "execute/fold.hpp"

#include <ATen/ops/tensor.h>

#include <algorithm>

#include "digest/digest.hpp"

namespace gainsweep::execute {
namespace {

using graph::Graph;
using graph::ValueId;
using graph::ValueKind;

/// Nodes all of whose inputs are parameters, constants or outputs of such nodes.
std::vector<bool> foldable_nodes(const Graph& graph) {
  std::vector<bool> fixed(graph.values.size());
  for (std::size_t i = 0; i < fixed.size(); ++i) {
    const auto kind = graph.values[i].kind;
    fixed[i] = kind == ValueKind::parameter || kind == ValueKind::constant;
  }
  std::vector<bool> foldable(graph.nodes.size());
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const auto& node = graph.nodes[n];
    const auto reads = values_read(node);
    // A node without outputs is there for its effect.
    foldable[n] = !node.outputs.empty() && std::all_of(reads.begin(), reads.end(),
                                                       [&](ValueId v) { return fixed[v.index]; });
    for (const auto output : node.outputs) fixed[output.index] = foldable[n];
  }
  return foldable;
}

/// Evaluates the fixed values that a program needs, through the parameters' shared store.
class Folder {
 public:
  Folder(Program::State& program, Parameters::State& parameters)
      : program_(program),
        graph_(program.graph),
        parameters_(parameters),
        origins_(graph_.values.size()),
        stored_(read_as_stored(graph_)) {}

  /// Shows a parameter, constant or folded value to the program's calls.
  void bind(ValueId id) {
    if (program_.bound[id.index].defined()) return;
    const auto& from = origin(id);
    auto shared = parameters_.share(from.key, [&] { return make(id); });
    program_.bound[id.index] = (*shared)[from.position];
    program_.shared.push_back(std::move(shared));
    pending_.clear();
  }

 private:
  /// The tensors a value is among: a leaf's one, or all outputs of its node.
  struct Origin {
    std::string key;  ///< equal keys are equal tensors, whatever the graph
    std::size_t position = 0;
  };

  const Origin& origin(ValueId id) {
    auto& origin = origins_[id.index];
    if (!origin.key.empty()) return origin;
    const auto& value = graph_.value(id);
    if (value.producer) {
      const auto& outputs = graph_.node(*value.producer).outputs;
      const auto place = std::find(outputs.begin(), outputs.end(), id) - outputs.begin();
      origin = {node_key(*value.producer), static_cast<std::size_t>(place)};
    } else {
      const bool parameter = value.kind == ValueKind::parameter;
      const std::string form = stored_[id.index] ? "stored " : "parameter ";
      origin = {parameter ? form + value.name : constant_key(value), 0};
    }
    return origin;
  }

  static std::string constant_key(const graph::Value& value) {
    digest::Builder builder;
    builder.add("type", static_cast<std::int64_t>(value.type));
    for (const auto size : value.shape) builder.add("size", size);
    builder.add("elements", digest::of_bytes(std::as_bytes(std::span(value.elements))));
    return "constant " + builder.finish();
  }

  std::string node_key(graph::NodeId id) {
    const auto& node = graph_.node(id);
    digest::Builder builder;
    builder.add("op", node.op);
    for (const auto& argument : node.arguments) {
      builder.add("kind", static_cast<std::int64_t>(argument.index()));
      std::visit([&](const auto& value) { add(builder, value); }, argument);
    }
    return "node " + builder.finish();
  }

  void add(digest::Builder&, std::monostate) {}
  void add(digest::Builder&, graph::Default) {}
  void add(digest::Builder& builder, bool flag) { builder.add("bool", std::int64_t{flag}); }
  void add(digest::Builder& builder, std::int64_t value) { builder.add("int", value); }
  void add(digest::Builder& builder, double value) { builder.add("float", value); }
  void add(digest::Builder& builder, const std::string& text) { builder.add("text", text); }
  void add(digest::Builder& builder, ValueId value) {
    const auto& from = origin(value);
    builder.add("value", from.key).add("position", static_cast<std::int64_t>(from.position));
  }
  template <class T>
  void add(digest::Builder& builder, const std::vector<T>& list) {
    builder.add("length", static_cast<std::int64_t>(list.size()));
    for (const auto& element : list) add(builder, element);
  }

  std::vector<at::Tensor> make(ValueId id) {
    const auto& value = graph_.value(id);
    if (value.producer) {
      const auto call = make_call(graph_, value.producer->index, program_.real, program_.place);
      if (const auto cut = parameter_cut_by(*value.producer)) return {rows_of(*cut, call)};
      auto made =
          evaluate(graph_, call, [&](std::size_t read) { return transient(ValueId{read}); });
      const auto& outputs = graph_.node(*value.producer).outputs;
      for (std::size_t i = 0; i < made.size(); ++i)
        made[i] = without_surroundings(in_own_type(graph_.value(outputs[i]), made[i]));
      return made;
    }
    if (stored_[id.index]) return {parameters_.load_as_stored(value.name)};
    if (value.kind == ValueKind::parameter) return {parameters_.load(value.name)};
    return {at::tensor(value.elements, at::kDouble)
                .view(value.shape)
                .to(program_.place, to_scalar_type(value.type, program_.real))};
  }

  /// Norms are folded in double whatever the program runs in.
  at::Tensor in_own_type(const graph::Value& value, const at::Tensor& tensor) const {
    const bool is_real = value.type == graph::ElementType::real && tensor.is_floating_point();
    return is_real ? tensor.to(program_.real) : tensor;
  }

  /// A part of a converted tensor would keep all of it: rows of a matrix that q, k and v share.
  at::Tensor without_surroundings(const at::Tensor& tensor) const {
    if (!tensor.has_storage() || parameters_.mapped_storages.contains(tensor.storage().data()))
      return tensor;
    const auto own = static_cast<std::size_t>(tensor.numel()) * tensor.element_size();
    return tensor.storage().nbytes() > own ? tensor.clone() : tensor;
  }

  /// The parameter that a node cuts rows from, unless it is there as a whole.
  const graph::Value* parameter_cut_by(graph::NodeId id) {
    const auto& node = graph_.node(id);
    if (node.op != "aten::slice.Tensor") return nullptr;
    const auto source = std::get<ValueId>(node.arguments[0]);
    const auto& value = graph_.value(source);
    const bool is_known = parameters_.shared.contains(origin(source).key);
    return value.kind == ValueKind::parameter && !is_known ? &value : nullptr;
  }

  /// Converted after the cut, so that the rest of the parameter is not converted at all.
  at::Tensor rows_of(const graph::Value& parameter, const Call& call) {
    const auto stored = parameters_.load_as_stored(parameter.name);
    const auto rows = evaluate(graph_, call, [&](std::size_t) { return stored; }).front();
    return rows.is_floating_point() ? rows.to(program_.real) : rows;
  }

  /// What a folded node reads: from the store where a program needs it anyway, else made for the
  /// value being bound and forgotten after it.
  at::Tensor transient(ValueId id) {
    const auto& from = origin(id);
    if (const auto known = parameters_.shared.find(from.key); known != parameters_.shared.end()) {
      return (*known->second)[from.position];
    }
    auto& made = pending_[from.key];
    if (made.empty()) made = make(id);
    return made[from.position];
  }

  Program::State& program_;
  const Graph& graph_;
  Parameters::State& parameters_;
  std::vector<Origin> origins_;  ///< by value
  std::vector<bool> stored_;     ///< by value: see read_as_stored
  std::unordered_map<std::string, std::vector<at::Tensor>> pending_;
};

}  // namespace

std::vector<bool> read_as_stored(const Graph& graph) {
  std::vector<bool> stored(graph.values.size());
  for (std::size_t v = 0; v < stored.size(); ++v)
    stored[v] = graph.values[v].kind == ValueKind::parameter;
  for (const auto output : graph.outputs) stored[output.index] = false;
  const auto folded = foldable_nodes(graph);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const auto& node = graph.nodes[n];
    const auto reads = values_read(node);
    if (node.op.starts_with("gainsweep::fold_norm_")) continue;
    const bool looks_up = node.op == "aten::embedding" && !folded[n];
    for (std::size_t i = looks_up ? 1 : 0; i < reads.size(); ++i) stored[reads[i].index] = false;
  }
  return stored;
}

std::vector<bool> fold(Program::State& program, Parameters::State& parameters) {
  const auto& graph = program.graph;
  const auto folded = foldable_nodes(graph);
  Folder folder(program, parameters);
  const auto bind_if_fixed = [&](ValueId id) {
    const auto& value = graph.value(id);
    const bool leaf = value.kind == ValueKind::parameter || value.kind == ValueKind::constant;
    if (leaf || (value.producer && folded[value.producer->index])) folder.bind(id);
  };
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (folded[n]) continue;
    for (const auto value : values_read(graph.nodes[n])) bind_if_fixed(value);
  }
  for (const auto output : graph.outputs) bind_if_fixed(output);
  return folded;
}

}  // namespace gainsweep::execute
