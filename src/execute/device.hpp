#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/table.hpp"
#include "execute/capture.hpp"
#include "execute/card_state.hpp"
#include "execute/precision.hpp"
#include "format/format.hpp"
#include "graph/graph.hpp"
#include "graph/window.hpp"

/// The table of devices: where numbers are computed. Free of LibTorch.
namespace gainsweep::execute {

/// What tells a device's numbers from those of others of its name: part of the keys of all units
/// that it computes. Empty for the CPU, whose libraries, instruction set and arithmetic keys name.
struct Identity {
  std::string card{};      ///< as its driver calls it
  std::string software{};  ///< versions of its driver and plug-in
  std::string mode{};      ///< settings that its numbers depend on
};

/// What an identity says, by name; nothing of what it leaves empty.
std::vector<std::pair<std::string, std::string>> parts(const Identity& identity);

/// A point in a device's queue of work.
struct Event {
  std::function<void()> wait;  ///< returns once all work before the point is done
};

/// y[rows, outputs] = x[rows, inputs] Wᵀ.
struct LinearShape {
  std::int64_t rows = 0;
  std::int64_t inputs = 0;
  std::int64_t outputs = 0;
};

/// A convolution of images [batch, channels, height, width].
struct ConvolutionShape {
  graph::Shape images;
  graph::Shape weight;
  graph::Window window;

  auto operator<=>(const ConvolutionShape&) const = default;
};

/// A device as the interpreter, the ranks and unit keys see it.
struct Device {
  std::string name;  ///< as specs spell it
  /// The row of lower::targets() that its programs are lowered for.
  std::function<std::string()> target;

  /// What is not there of what it needs (a driver, a card); empty where it can be used.
  std::function<std::string()> missing;
  /// Opens its library or plug-in. May be called again.
  std::function<void()> load;
  /// Those that this process may use, by names that all processes of one machine share: the
  /// launcher's where it hands out some, else numbers. After `load`.
  std::function<std::vector<std::string>()> visible;
  /// Makes entry `index` of `visible` this process's own. May be called again with that index.
  std::function<void(std::size_t index)> take;
  /// LibTorch's name of what was taken: `cpu`, `cuda:3`.
  std::function<std::string()> place;
  /// After `take`.
  std::function<Identity()> identity;
  /// The end of what has been given to it so far.
  std::function<Event()> record;
  /// Kernels that a linear layer runs on beside a high precision, each with its format, as the
  /// library names them (`int8 brg_matmul:avx512_core_vnni`), and those of products of activations
  /// where they are others. Error(environment) for one whose time would mean nothing.
  std::function<std::vector<std::string>(const LinearShape& shape, Precision high)> kernels;
  /// The same of a convolution; none where it has none in low formats.
  std::function<std::vector<std::string>(const ConvolutionShape& shape, Precision high)>
      convolution_kernels =
          [](const ConvolutionShape&, Precision) { return std::vector<std::string>(); };
  /// Why it has no kernel for ops of a kind in a format that its target runs; empty where it has
  /// one.
  std::function<std::string(graph::OpKind kind, const format::Format& format)> lacks =
      [](graph::OpKind, const format::Format&) { return std::string(); };
  /// What users should know of what was taken, a sentence each. After `take`.
  std::function<std::vector<std::string>()> notes;
  /// Graphs that it has compiled so far; none for a device that compiles nothing.
  std::function<std::int64_t()> compilations{};
  /// What may run on the host for want of a kernel of its own: `none`, a list, or anything. None
  /// for a device on which that is an error.
  std::function<std::string()> allowed_on_host{};
  /// How what was taken is doing; none for a device of which nobody tells that.
  std::function<CardState()> state{};
  /// Captures what `work` gives it, to be replayed when it is timed; nothing where it is not driven
  /// so.
  std::function<std::optional<Captured>(const std::function<void()>& work)> capture{};
  /// Bytes to write between timed runs, so that caches hold nothing of the one before; 0 where they
  /// stay as that leaves them.
  std::function<std::size_t()> flushed_bytes{};

  /// Whether the kernels of `format` can read its memory: probes run on these then, and on plain
  /// ATen operators elsewhere.
  bool fused_probes = false;
  /// Whether the ranks of a machine work on it together; any other is one rank's alone.
  bool shared_by_ranks = false;
};

Table<Device>& devices();

/// For commands that do no work on a device and do not look for it: one of its name and target
/// whose numbers the CPU computes and that has no kernels. A device that is the CPU stands for
/// itself.
const Device& stand_in(const Device& device);

/// Loads a device. Error(environment) with what is missing where it cannot be used here.
void load(const Device& device);

/// Why times of low linear layers beside a high precision would mean nothing on a device: the
/// kernel that it lacks. Empty where it lacks none.
std::string missing_kernels(const Device& device, Precision high);

}  // namespace gainsweep::execute
