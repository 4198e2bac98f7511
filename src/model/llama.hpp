#pragma once

#include <filesystem>
#include <string_view>

#include "model/decoder.hpp"

namespace gainsweep::model {

/// The decoder that the text of a Llama config.json describes; `file` is what messages name.
/// Error(input) naming the file and key for anything missing, ill-typed, inconsistent or not
/// supported (another activation, another RoPE type, quantised weights).
Decoder parse_llama(std::string_view config, const std::filesystem::path& file);

/// Opens a Hugging Face folder of the family `llama` with its checkpoint.
Model open_llama(const std::filesystem::path& folder, std::shared_ptr<const Checkpoint> checkpoint);

}  // namespace gainsweep::model
