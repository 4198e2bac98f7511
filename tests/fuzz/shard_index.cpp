#include "model/shard_index.hpp"

#include <string_view>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace gainsweep;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto shards = fuzz::accepted(
      ErrorKind::input, [&] { return model::parse_index(text, "model.safetensors.index.json"); });
  if (!shards) return 0;
  for (const auto& [tensor, shard] : *shards) {
    if (shard.find('/') != std::string::npos || shard.find('\0') != std::string::npos ||
        shard.empty() || shard == "." || shard == "..") {
      fuzz::finding("a shard outside the folder: " + shard);
    }
  }
  return 0;
}
