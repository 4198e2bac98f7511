#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "model/decoder.hpp"

namespace gainsweep::model {

/// The decoder that the text of a Mistral config.json describes: a Llama without biases, whose
/// tokens see `sliding_window` tokens. Errors as for parse_llama.
Decoder parse_mistral(std::string_view config, const std::filesystem::path& file);

/// Opens a Hugging Face folder of the family `mistral` with its checkpoint.
Model open_mistral(const std::filesystem::path& folder,
                   std::shared_ptr<const Checkpoint> checkpoint);

}  // namespace gainsweep::model
