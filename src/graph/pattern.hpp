#pragma once

#include <string>
#include <vector>

#include "graph/graph.hpp"

namespace gainsweep::graph {

/// Positions of the ops whose path matches a shell glob (`*`, `?`, `[…]`; a `*` spans dots too), in
/// IR order. Error(config), naming `key` and a likely spelling, when there are none.
std::vector<std::size_t> matching_ops(const std::vector<Op>& ops, const std::string& pattern,
                                      const std::string& key);

/// The instance of a repeated structure that a match belongs to: the text that the pattern's first
/// wildcard covers (the shortest that fits), `3` for `layers.*.mlp.*` on `layers.3.mlp.gate`. Empty
/// where all wildcards stand in the pattern's last component: `layers.3.*` names one instance.
std::string instance_of(const std::string& pattern, const std::string& path);

}  // namespace gainsweep::graph
