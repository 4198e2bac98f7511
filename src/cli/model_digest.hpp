#pragma once

#include <string>

#include "model/model.hpp"
#include "parallel/comm.hpp"

namespace gainsweep::cli {

/// Collective. The digest of the model that each rank itself sees: ranks of a node share the
/// reading of files that are the very same for all of them, and no node takes another's word. Files
/// that have not changed since the user's cache learnt their digests are not read. SharedError
/// naming a file that cannot be read or changes meanwhile.
std::string digest_model(const parallel::Comm& comm, const model::Model& model, int num_threads);

}  // namespace gainsweep::cli
