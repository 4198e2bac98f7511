#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/table.hpp"
#include "format/format.hpp"
#include "graph/partition.hpp"

/// The table of targets: which formats a kind of hardware really runs, and how. A target names no
/// device; devices name their target.
namespace gainsweep::lower {

class Lowering;

/// An op of the graph that is lowered.
struct OpSite {
  OpId id{};
  const graph::Op& op;
  const graph::Node& node;  ///< its call in the source
};

/// `lower()` walks the graph, the target writes the nodes of ops.
struct Target {
  std::string name;
  /// Whether it has a kernel for an op in a low format.
  std::function<bool(const graph::Op& op, const format::Format& format)> runs;
  /// Writes an op in the program's own precision.
  std::function<void(Lowering& lowering, const OpSite& site)> high;
  /// Writes an op in a format that it runs.
  std::function<void(Lowering& lowering, const OpSite& site, const format::Format& format)> low;
  /// Whether an attention of two high ops in one sub-graph is a call of `gainsweep::attention`, not
  /// two of `high`.
  bool joins_attention = false;
};

Table<Target>& targets();

/// Low formats (FormatIds) that an op may take on a target; the high format is always first.
std::vector<FormatId> real_formats(const Target& target, const graph::Op& op,
                                   const std::vector<format::Format>& formats);

}  // namespace gainsweep::lower
