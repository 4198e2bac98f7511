#pragma once

#include <map>
#include <string>

#include "exported/program.hpp"
#include "exported/zip.hpp"

namespace gainsweep::exported {

/// The stored tensors of a model: weights and persistent buffers, further buffers and constants.
/// Checksums of their storages are compared. Error(input) for pickled tensors and objects, paths
/// that leave their folder, doubled names, layouts other than strided, storages that are not
/// aligned, and for tensors that reach beyond their storage or have more elements than it.
std::map<std::string, StoredTensor> read_stored(const Zip& zip, const std::string& model);

}  // namespace gainsweep::exported
