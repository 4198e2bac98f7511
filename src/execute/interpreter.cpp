// The walk: fills an operator's stack, calls it, stores what it returns.

#include <ATen/core/Tensor.h>

#include "base/error.hpp"
#include "execute/state.hpp"
#include "graph/print.hpp"

namespace gainsweep::execute {
namespace {

template <class T>
c10::IValue list_of(const Call::Slot& slot, const std::function<at::Tensor(std::size_t)>& lookup) {
  c10::List<T> list;
  list.reserve(slot.values.size());
  for (const auto value : slot.values) list.push_back(lookup(value));
  return list;
}

c10::IValue fill(const Call::Slot& slot, const std::function<at::Tensor(std::size_t)>& lookup) {
  switch (slot.kind) {
    case Call::Slot::Kind::tensor:
      return lookup(slot.values.front());
    case Call::Slot::Kind::list:
      return list_of<at::Tensor>(slot, lookup);
    case Call::Slot::Kind::optional_list:
      return list_of<std::optional<at::Tensor>>(slot, lookup);
    case Call::Slot::Kind::number:
      return lookup(slot.values.front()).item<double>();
  }
  return {};
}

std::vector<at::Tensor> outputs_on(torch::jit::Stack& stack, const Call& call) {
  std::vector<at::Tensor> outputs;
  if (call.returns_list) {
    outputs = stack.front().toTensorVector();
  } else {
    outputs.reserve(stack.size());
    for (auto& value : stack) outputs.push_back(std::move(value).toTensor());
  }
  stack.clear();
  return outputs;
}

/// One run: the program's table between an input and the kept values.
class Walk {
 public:
  explicit Walk(Program::State& program) : program_(program) {}
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;
  ~Walk() {
    for (auto& value : program_.values) value.reset();
    program_.stack.clear();
  }

  void call(const Call& call) {
    push_arguments(call);
    call.op.callBoxed(program_.stack);
    store_outputs(call);
    for (const auto value : call.dead) {
      if (!program_.kept[value]) program_.values[value].reset();
    }
  }

 private:
  void push_arguments(const Call& call) {
    auto& stack = program_.stack;
    auto slot = call.slots.begin();
    for (std::size_t i = 0; i < call.arguments.size(); ++i) {
      if (slot == call.slots.end() || slot->argument != i) {
        stack.push_back(call.arguments[i]);
      } else {
        push_slot(*slot++);
      }
    }
  }

  void push_slot(const Call::Slot& slot) {
    if (slot.kind != Call::Slot::Kind::tensor) {
      program_.stack.push_back(fill(slot, [&](std::size_t value) { return tensor(value); }));
      return;
    }
    const auto value = slot.values.front();
    if (slot.last && !program_.kept[value]) {
      program_.stack.emplace_back(std::move(program_.values[value]));
    } else {
      program_.stack.emplace_back(tensor(value));
    }
  }

  const at::Tensor& tensor(std::size_t value) const {
    const auto& bound = program_.bound[value];
    return bound.defined() ? bound : program_.values[value];
  }

  void store_outputs(const Call& call) {
    auto& stack = program_.stack;
    if (call.returns_list) {
      auto list = outputs_on(stack, call);
      TORCH_CHECK(list.size() == call.outputs.size(), list.size(), " tensors came back where ",
                  call.outputs.size(), " were expected");
      for (std::size_t i = 0; i < list.size(); ++i) {
        program_.values[call.outputs[i]] = std::move(list[i]);
      }
      return;
    }
    for (std::size_t i = 0; i < call.outputs.size(); ++i) {
      auto& value = program_.values[call.outputs[i]];
      value = std::move(stack[i]).toTensor();
      if (call.converts) value = value.to(program_.real);
    }
    stack.clear();
  }

  Program::State& program_;
};

void place_inputs(Program::State& program, const Inputs::State& inputs) {
  const auto& wanted = program.graph.inputs;
  if (inputs.tensors.size() != wanted.size()) {
    throw Error(ErrorKind::input, std::to_string(inputs.tensors.size()) + " inputs for graph " +
                                      program.graph.name + " (it has " +
                                      std::to_string(wanted.size()) + ")");
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& value = program.graph.value(wanted[i]);
    if (inputs.tensors[i].sizes() != at::IntArrayRef(value.shape)) {
      throw Error(ErrorKind::input,
                  "input " + value.name + " of graph " + program.graph.name + " has shape " +
                      graph::to_text(inputs.tensors[i].sizes().vec()) +
                      " (the graph was built for " + graph::to_text(value.shape) + ")");
    }
    const bool is_real = value.type == graph::ElementType::real;
    program.values[wanted[i].index] =
        is_real ? inputs.tensors[i].to(program.real) : inputs.tensors[i];
  }
}

[[noreturn]] void rethrow(const graph::Graph& graph, const Call& call, const c10::Error& error) {
  const auto& node = graph.nodes[call.node];
  throw Error(kind_of(error), "node " + std::to_string(call.node) + " `" + node.op + "` (" +
                                  node.path + ") failed: " + error.what_without_backtrace());
}

}  // namespace

// Allocators and drivers say what is wrong in words alone.
ErrorKind kind_of(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return ErrorKind::environment;
  const std::string text = error.what_without_backtrace();
  for (const char* part : {"can't allocate memory", "not enough memory", "out of memory",
                           "CUDA error", "synapse", "device lost", "device is lost"})
    if (text.find(part) != std::string::npos) return ErrorKind::environment;
  return ErrorKind::internal;
}

std::vector<at::Tensor> evaluate(const graph::Graph& graph, const Call& call,
                                 const std::function<at::Tensor(std::size_t)>& lookup) {
  torch::jit::Stack stack;
  auto slot = call.slots.begin();
  for (std::size_t i = 0; i < call.arguments.size(); ++i) {
    const bool here = slot != call.slots.end() && slot->argument == i;
    stack.push_back(here ? fill(*slot++, lookup) : call.arguments[i]);
  }
  try {
    call.op.callBoxed(stack);
  } catch (const c10::Error& error) {
    rethrow(graph, call, error);
  }
  return outputs_on(stack, call);
}

std::vector<at::Tensor> run_tensors(Program::State& program, const Inputs::State& inputs,
                                    std::span<const graph::ValueId> keep) {
  Walk walk(program);
  std::fill(program.kept.begin(), program.kept.end(), 0);
  for (const auto value : keep) program.kept[value.index] = 1;
  place_inputs(program, inputs);
  const Call* current = nullptr;
  try {
    for (const auto& call : program.calls) {
      current = &call;
      walk.call(call);
    }
  } catch (const c10::Error& error) {
    rethrow(program.graph, *current, error);
  }
  std::vector<at::Tensor> results;
  results.reserve(keep.size());
  for (const auto value : keep) {
    const auto& bound = program.bound[value.index];
    results.push_back(bound.defined() ? bound : program.values[value.index]);
  }
  return results;
}

}  // namespace gainsweep::execute
