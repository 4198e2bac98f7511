#include "pipeline/timed_configurations.hpp"

namespace gainsweep::pipeline {

std::vector<graph::Configuration> timed_configurations(const Layout& layout,
                                                       const graph::Subgraph& subgraph) {
  std::vector<std::vector<FormatId>> allowed;
  for (const auto op : subgraph.ops) allowed.push_back(layout.real_formats[op.index]);
  return graph::configurations(subgraph, allowed);
}

}  // namespace gainsweep::pipeline
