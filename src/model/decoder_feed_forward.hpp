#pragma once

#include <string>

#include "base/table.hpp"
#include "model/decoder_nodes.hpp"

namespace gainsweep::model {

/// An activation of feed-forward layers.
struct Activation {
  std::string name;  ///< in config.json
  const char* op;
  const char* approximation;  ///< of a GELU, its argument; nullptr for others
  const char* leaf;           ///< component of paths
};

/// The known ones.
const Table<Activation>& activations();

/// The decoder's activation of a value.
graph::ValueId activate(Nodes& nodes, graph::ValueId x, const std::string& path);

/// A layer's feed-forward part from what it sees, [B, T, C], to what is added beside it. `layer` is
/// what the names of its parameters begin with.
graph::ValueId add_feed_forward(Nodes& nodes, graph::ValueId x_BTC, const std::string& layer,
                                const std::string& path);

}  // namespace gainsweep::model
