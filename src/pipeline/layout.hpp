#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/table.hpp"
#include "format/format.hpp"
#include "graph/partition.hpp"
#include "model/cache.hpp"

namespace gainsweep::pipeline {

/// What a card holds beside the ops' weights: the same in every plan.
struct Held {
  std::int64_t parameters = 0;  ///< elements of those that are no op's weight
  std::vector<model::Cache> caches{};
};

/// What solving needs to know of a model; an archive holds it, so that plans need no model.
struct Layout {
  graph::Partition partition;
  std::vector<format::Format> formats;  ///< by FormatId
  /// Formats that each op may take in the objective `time`, by OpId; the high one first.
  std::vector<std::vector<FormatId>> real_formats;
  /// The checkpoint's name of each op's weight without ".weight", by OpId; empty where an op has
  /// none, or one that is computed from others.
  std::vector<std::string> modules;
  /// Published rates of products in each format where times are modelled, relative to the high
  /// one's; 0 where the device has none. Empty elsewhere.
  std::vector<double> device_rates{};
  Held held{};
};

/// The tables `ops`, `operands`, `subgraphs`, `formats` and `held`.
std::vector<archive::Table> to_tables(const Layout& layout);

/// The layout that `to_tables` wrote. Error(input) when the tables do not fit each other.
Layout to_layout(const archive::Contents& contents, const std::vector<format::Format>& formats);

/// One entry per operand of every op, in op order: the axis "operand" of the archive.
struct OperandIndex {
  std::size_t op = 0;
  std::size_t operand = 0;
};
std::vector<OperandIndex> operand_axis(const std::vector<graph::Op>& ops);

/// Names of formats, joined by commas: how tables tell a configuration.
std::string joined_names(const std::vector<FormatId>& ids,
                         const std::vector<format::Format>& formats);

/// What joined_names made. Error(input) for a name that no format has.
graph::Configuration to_configuration(const std::string& names,
                                      const std::vector<format::Format>& formats);

/// The index of each op's format, as archives hold assignments, and back.
std::vector<std::int64_t> to_indices(const graph::Assignment& assignment);
graph::Assignment to_assignment(std::span<const std::int64_t> indices);

/// An assignment as text, one format name an op; its digest joins plans with evaluations.
std::string assignment_key(const graph::Assignment& assignment,
                           const std::vector<format::Format>& formats);

/// As much of such a key as messages show.
std::string shown(const std::string& assignment_key);

}  // namespace gainsweep::pipeline
