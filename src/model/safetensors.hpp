#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "model/checkpoint.hpp"

namespace gainsweep::model {

/// The tensors of a .safetensors file given as bytes; `file` is what messages and tensors name.
/// Spans point into `bytes` and are not necessarily aligned to the element size.
///
/// Layout: the header's length N (8 bytes, little endian, at most 100 MB), N bytes of JSON
/// (`{"name": {"dtype", "shape", "data_offsets"}, …, "__metadata__": {text: text}}`), then the
/// data, which the offsets must cover without gap or overlap. Error(input) for every departure from
/// it.
std::map<std::string, MappedTensor> parse_safetensors(std::span<const std::byte> bytes,
                                                      const std::filesystem::path& file);

}  // namespace gainsweep::model
