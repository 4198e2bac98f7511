#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace gainsweep::model {

/// What a layer keeps of every token before the one at hand while text is generated: its keys and
/// values.
struct Cache {
  std::int64_t elements = 0;  ///< of a token
  std::int64_t window = 0;    ///< last tokens that are kept; 0: all
};

/// Those of the model in a Hugging Face folder, by layer; none where it generates nothing.
/// Error(input) where config.json describes no known model.
std::vector<Cache> caches(const std::filesystem::path& folder);

}  // namespace gainsweep::model
