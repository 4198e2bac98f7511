#pragma once

#include <string>

#include "model/decoder_nodes.hpp"

namespace gainsweep::model {

/// A layer's feed-forward part from what it sees, [B, T, C], to what is added beside it.
/// Parameters are `name`.gate_proj and so on.
graph::ValueId add_feed_forward(Nodes& nodes, graph::ValueId x_BTC, const std::string& name,
                                const std::string& path);

}  // namespace gainsweep::model
