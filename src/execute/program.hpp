#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "execute/device.hpp"
#include "execute/precision.hpp"
#include "graph/graph.hpp"
#include "model/model.hpp"
#include "model/sample.hpp"

/// The one interpreter: walks a graph and calls each operator through the c10 dispatcher. Headers
/// are free of LibTorch.
namespace gainsweep::execute {

/// Loads a device, takes number `index` of those that it shows and fixes the intra-op thread count;
/// before anything else here. Error(environment) when the device is not there, or the affinity mask
/// or the container's CPU quota holds fewer processors than threads (naming what helps).
void start(const Device& device, std::int64_t threads, std::size_t index = 0);

/// From now on freed blocks of 128 KiB and more go back to the system at once. Otherwise the C
/// library keeps blocks of up to 32 MiB in a heap that fragments: passes are faster, and their peak
/// may be several times what is alive. For runs under a memory limit.
void give_freed_memory_back();

/// The parameters of a model on a device in one precision, and what programs fold out of them.
/// Refers to the device's row.
/// Zero-copy where the checkpoint's type is the precision's on the CPU, converted once otherwise.
/// Folded values (packed or rounded weights, tables) are shared by all programs made from it.
class Parameters {
 public:
  Parameters(const model::Model& model, const Device& device, Precision precision);
  Parameters(Parameters&&) noexcept;
  ~Parameters();

  /// Bytes owned beyond the mapped files: converted and folded tensors.
  std::size_t bytes_owned() const;
  /// Frees folded values that no living program uses, those made last first, until at most
  /// `most_bytes` are owned: what stays is what a walk through a model needs first the next time.
  void release_unused(std::size_t most_bytes = 0);

  struct State;
  State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// Input tensors of a program, on its device.
class Inputs {
 public:
  struct State;
  explicit Inputs(std::unique_ptr<State> state);
  Inputs(Inputs&&) noexcept;
  Inputs& operator=(Inputs&&) noexcept;
  ~Inputs();
  const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// A graph bound to parameters. Nodes that depend only on parameters and constants are evaluated
/// once, when the program is made; values are freed after their last use.
class Program {
 public:
  /// Error(internal) naming the node and the schema when a call does not fit its operator.
  Program(graph::Graph graph, Parameters& parameters);
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

  /// Runs without autograd; output `index` as doubles, row-major. Errors of an operator name the
  /// node's path.
  std::vector<double> run(const Inputs& inputs, std::size_t output = 0);

  /// Runs without autograd, waits for the device and drops the outputs; seconds by the host clock.
  double time(const Inputs& inputs);

  /// The values named by `values` (of this program's graph) during a run, as inputs of an extracted
  /// sub-graph in that order.
  Inputs capture(const Inputs& inputs, std::span<const graph::ValueId> values);

  const graph::Graph& graph() const;

  /// What is wrong with the first parameter that has a number that is not finite, as stored or in
  /// the program's precision: "tensor 'x' of model.safetensors holds 2 numbers …", empty when there
  /// is none. Reads all weights, once: for those who found a result that is not finite.
  const std::string& spoilt_parameter() const;

  struct State;
  State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// A sample as inputs of a graph, by name; `known` are the model's inputs (none: no bounds to
/// check). Reals get the program's own type when it runs. What the graph does not read is left out.
/// Error(input) naming the input for a tensor that is missing, of another type or shape, or holds
/// an index outside the input's bound, and for weights of targets that the graph's loss does not
/// read.
Inputs make_inputs(const graph::Graph& graph, const model::Sample& sample,
                   std::span<const model::Input> known, const Device& device);

/// As above for a graph whose first inputs are given: what other programs captured, in that order.
Inputs make_inputs(const graph::Graph& graph, const model::Sample& sample,
                   std::span<const model::Input> known, const Device& device, const Inputs& first);

/// As Program::spoilt_parameter, for a graph that no program is made of.
std::string spoilt_parameter(const graph::Graph& graph, const Parameters& parameters);

/// Names a stored tensor of a graph that holds NaN, with the place; empty where none does. Infinite
/// numbers may be meant, as those of masks are.
std::string undefined_parameter(const graph::Graph& graph, const Parameters& parameters);

/// What a process runs on. `arithmetic` tells apart what versions and capabilities do not:
/// libraries of matrix products dispatch by vendor and mode (MKL_CBWR), and other branches give
/// other bits.
struct Environment {
  std::string torch_version;
  std::string device_name;      ///< the card's, or the processor's
  Identity identity;            ///< part of unit keys
  std::string instruction_set;  ///< CPU capability of ATen and oneDNN; part of unit keys
  std::string arithmetic;       ///< digest of fixed matrix products; part of unit keys
  std::int64_t threads = 0;
};
Environment environment(const Device& device);

}  // namespace gainsweep::execute
