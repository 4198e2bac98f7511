#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/stack.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/error.hpp"
#include "execute/program.hpp"

/// The LibTorch side of this folder's classes; private to it.
namespace gainsweep::execute {

/// What a device's row has taken, for LibTorch.
at::Device to_place(const Device& device);
/// LibTorch's floating type of a spec's word.
at::ScalarType to_scalar_type(Precision precision);
/// The LibTorch type of a value in a program whose `real` values are of type `real`.
at::ScalarType to_scalar_type(graph::ElementType type, at::ScalarType real);

/// Tensors made once and shared by programs: a bound parameter or the outputs of a folded node.
using Shared = std::shared_ptr<const std::vector<at::Tensor>>;

struct Inputs::State {
  std::vector<at::Tensor> tensors;  ///< in the order of Graph::inputs
};

struct Parameters::State {
  std::shared_ptr<const model::Checkpoint> checkpoint;
  std::function<std::string(const std::string&)> checkpoint_name;  ///< of a graph's parameter
  const Device* device = nullptr;
  at::Device place = at::kCPU;
  at::ScalarType real = at::kFloat;
  std::unordered_map<std::string, Shared> shared;   ///< by expression key
  std::vector<std::string> order;                   ///< their keys, as they were made
  std::unordered_set<const void*> mapped_storages;  ///< addresses that are a file's, not ours

  /// A checkpoint tensor on the device; floating ones in type `real`. Not remembered.
  at::Tensor load(const std::string& name);
  /// The same in its stored type.
  at::Tensor load_as_stored(const std::string& name);
  /// The tensors under `key`, made by `make` when no program has made them yet.
  Shared share(const std::string& key, const std::function<std::vector<at::Tensor>()>& make);
};

/// A node as the interpreter calls it.
struct Call {
  /// A place on the operator's stack that a run fills with tensors.
  struct Slot {
    enum class Kind { tensor, list, optional_list, number };
    Kind kind = Kind::tensor;
    std::size_t argument = 0;
    std::vector<std::size_t> values;  ///< one for a tensor
    bool last = false;                ///< a tensor that nothing reads later: moved out of the table
  };

  explicit Call(c10::OperatorHandle operation) : op(std::move(operation)) {}

  c10::OperatorHandle op;
  std::vector<c10::IValue> arguments;  ///< literal arguments; None where a slot stands
  std::vector<Slot> slots;             ///< by rising argument
  std::vector<std::size_t> outputs;    ///< values
  std::vector<std::size_t> dead;       ///< values without a later reader that no slot moved out
  bool returns_list = false;           ///< one Tensor[] that is spread over the outputs
  bool converts = false;               ///< outputs are of a stored type and become `real`
  std::size_t node = 0;                ///< index into Graph::nodes
};

struct Program::State {
  graph::Graph graph;
  const Device* device = nullptr;
  at::Device place = at::kCPU;
  at::ScalarType real = at::kFloat;
  /// By value: parameters, constants and folded values that calls read; undefined otherwise. They
  /// never require a gradient by themselves; a prober may replace an entry by a detached alias that
  /// does.
  std::vector<at::Tensor> bound;
  std::vector<Shared> shared;  ///< keeps what `bound` shows in the parameters' store
  std::vector<Call> calls;     ///< of the nodes that are not folded

  std::vector<at::Tensor> values;   ///< the table of the current run, by value
  std::vector<unsigned char> kept;  ///< by value: not freed during the current run
  torch::jit::Stack stack;

  std::vector<model::MappedTensor> stored;  ///< the parameters' tensors; `checkpoint` has them
  std::vector<std::string> stored_names;
  std::shared_ptr<const model::Checkpoint> checkpoint;
  std::optional<std::string> spoilt;  ///< see Program::spoilt_parameter

  /// A run as its device has captured it, with the memory that it reads and writes.
  struct Capture {
    std::vector<at::Tensor> inputs;
    std::vector<at::Tensor> outputs;
    Captured run;
  };
  std::optional<Capture> capture;
};

/// A checkpoint's tensor over its file's own pages, which are mapped read-only.
at::Tensor over_file(const model::MappedTensor& mapped);

/// Who must act on an error of LibTorch: `environment` for memory and lost devices.
ErrorKind kind_of(const c10::Error& error);

/// Runs the calls of a program in the caller's autograd mode (under no guard gradients are recorded
/// for inputs or bound tensors that require them) and returns the values of `keep` in its order:
/// any values of the graph. Other values are freed after their last use. Error(internal) naming the
/// node's path when an operator fails; Error(input) when an input is of another shape.
std::vector<at::Tensor> run_tensors(Program::State& program, const Inputs::State& inputs,
                                    std::span<const graph::ValueId> keep);

/// The call of a node, liveness aside. Error(internal) naming the node and the schema when it does
/// not fit its operator.
Call make_call(const graph::Graph& graph, std::size_t node, at::ScalarType real, at::Device device);

/// Calls a node's operator once with the tensors of `lookup`, by value, and returns its outputs.
/// Errors as for run_tensors.
std::vector<at::Tensor> evaluate(const graph::Graph& graph, const Call& call,
                                 const std::function<at::Tensor(std::size_t)>& lookup);

/// By value: parameters that are read in their stored type, because calls only look rows up in them
/// (embeddings: rows are converted after the look-up, the same numbers without a converted table)
/// or fold them with a norm.
std::vector<bool> read_as_stored(const graph::Graph& graph);

}  // namespace gainsweep::execute
