#pragma once

#include <string>
#include <vector>

#include "model/decoder_nodes.hpp"

namespace gainsweep::model {

/// A layer's mixture of experts from what it sees, [B, T, C], to what is added beside it. Every
/// expert runs over all tokens, so that shapes stay fixed; rows of tokens that did not choose it
/// are zeros: they raise no largest magnitude, are rounded without error, have no gradient and give
/// nothing. The router is no quantizable op, as runtimes keep it in high precision. `layer` is what
/// the names of its parameters begin with.
graph::ValueId add_mixture(Nodes& nodes, graph::ValueId x_BTC, const std::string& layer,
                           const std::string& path);

/// Patterns of ops that take one format in a layer (Model::ties): the gates and ups of all experts,
/// and their downs. Kernels of mixtures compute each of the two at once.
std::vector<std::string> mixture_ties();

}  // namespace gainsweep::model
