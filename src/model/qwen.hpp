#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "model/decoder.hpp"

namespace gainsweep::model {

/// The decoder that the text of a Qwen2 or Qwen2.5 config.json describes: a Llama with biases of
/// queries, keys and values, some of whose layers see `sliding_window` tokens where
/// `use_sliding_window` says so. Errors as for parse_llama.
Decoder parse_qwen2(std::string_view config, const std::filesystem::path& file);

/// The same of a Qwen3: norms of queries and keys, biases only with `attention_bias`.
Decoder parse_qwen3(std::string_view config, const std::filesystem::path& file);

/// Open a Hugging Face folder of the families `qwen2` and `qwen3` with its checkpoint.
Model open_qwen2(const std::filesystem::path& folder, std::shared_ptr<const Checkpoint> checkpoint);
Model open_qwen3(const std::filesystem::path& folder, std::shared_ptr<const Checkpoint> checkpoint);

}  // namespace gainsweep::model
