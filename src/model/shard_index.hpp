#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace gainsweep::model {

/// Tensor name → name of the file in the same folder that holds it.
using WeightMap = std::map<std::string, std::string>;

/// The weight map of a `model.safetensors.index.json`; `file` is what messages name. Error(input)
/// when it is no JSON, has no weight_map or an empty one, or a shard that is no plain file name.
WeightMap parse_index(std::string_view text, const std::filesystem::path& file);

}  // namespace gainsweep::model
