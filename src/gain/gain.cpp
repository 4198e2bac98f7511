#include "gain/gain.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace gainsweep::gain {

std::optional<std::size_t> place(const std::vector<graph::Configuration>& configurations,
                                 const graph::Subgraph& subgraph,
                                 const graph::Assignment& assignment) {
  graph::Configuration wanted;
  for (const auto op : subgraph.ops) wanted.push_back(assignment[op.index]);
  const auto found = std::find(configurations.begin(), configurations.end(), wanted);
  if (found == configurations.end()) return std::nullopt;
  return static_cast<std::size_t>(found - configurations.begin());
}

std::size_t place(const GainTable& table, const graph::Partition& partition, std::size_t subgraph,
                  const graph::Assignment& assignment) {
  const auto found =
      place(table.configurations[subgraph], partition.subgraphs[subgraph], assignment);
  if (!found)
    throw Error(ErrorKind::internal, "the gain table has no such configuration of sub-graph " +
                                         partition.subgraphs[subgraph].name);
  return *found;
}

std::int64_t total(const GainTable& table, const graph::Partition& partition,
                   const graph::Assignment& assignment) {
  std::int64_t gain = 0;
  for (std::size_t j = 0; j < partition.subgraphs.size(); ++j)
    gain += table.gains[j][place(table, partition, j, assignment)];
  return gain;
}

}  // namespace gainsweep::gain
