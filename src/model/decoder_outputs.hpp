#pragma once

#include <vector>

#include "model/decoder_nodes.hpp"

namespace gainsweep::model {

/// Makes a graph's outputs of its logits, [B, T, V]; those about targets add the input `labels`.
void add_outputs(Nodes& nodes, graph::ValueId logits_BTV, const std::vector<Output>& outputs);

}  // namespace gainsweep::model
