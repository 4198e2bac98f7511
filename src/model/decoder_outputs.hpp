#pragma once

#include "model/decoder_nodes.hpp"

namespace gainsweep::model {

/// Makes a graph's outputs of its logits, [B, T, V]; those about targets add the input `labels`,
/// and the mean loss of a weighted workload `weights`.
void add_outputs(Nodes& nodes, graph::ValueId logits_BTV, const Workload& workload);

}  // namespace gainsweep::model
