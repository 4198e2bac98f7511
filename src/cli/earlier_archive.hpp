#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gainsweep::cli {

/// Where the archive in a folder is of another spec than of `resolved` (its points' specs with
/// every default), or tells none, gives it a second name beside its own:
/// `archive-DIGEST.h5`, with the first 8 digits of the SHA-256 of its file (all 64 where another
/// file has that name). Returns that path; empty where there is nothing to keep. Nothing is ever
/// half-written, and the archive itself stays until it is replaced. Error(environment).
std::filesystem::path keep_earlier_archive(const std::filesystem::path& folder,
                                           const std::vector<std::string>& resolved);

}  // namespace gainsweep::cli
