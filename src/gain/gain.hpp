#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "graph/partition.hpp"

/// What each configuration of each sub-graph saves against the all-high one.
namespace gainsweep::gain {

/// Configurations and gains by [sub-graph][configuration]; configuration 0 is all-high, gain 0.
struct GainTable {
  std::vector<std::vector<graph::Configuration>> configurations;
  std::vector<std::vector<std::int64_t>> gains;  ///< in the objective's unit
};

/// The place among configurations of the one that an assignment gives a sub-graph, if it is there.
std::optional<std::size_t> place(const std::vector<graph::Configuration>& configurations,
                                 const graph::Subgraph& subgraph,
                                 const graph::Assignment& assignment);

/// The same in a table. Error(internal) where the table does not hold it.
std::size_t place(const GainTable& table, const graph::Partition& partition, std::size_t subgraph,
                  const graph::Assignment& assignment);

/// The gain of an assignment: the sum over sub-graphs of its configuration's. Error(internal) for a
/// configuration the table does not hold.
std::int64_t total(const GainTable& table, const graph::Partition& partition,
                   const graph::Assignment& assignment);

}  // namespace gainsweep::gain
