#include "model/cache.hpp"

#include "disk/mapped_file.hpp"
#include "model/decoder.hpp"
#include "model/families.hpp"

namespace gainsweep::model {

std::vector<Cache> caches(const std::filesystem::path& folder) {
  const auto file = folder / "config.json";
  const auto config = disk::MappedFile::open(file);
  const auto& family = reader_of(config.text(), file).name;
  std::vector<Cache> caches;
  if (!families().contains(family)) return caches;
  const auto decoder = parse_decoder(family, config.text(), file);
  for (std::int64_t layer = 0; layer < decoder.layers; ++layer) {
    const auto window =
        decoder.windows.empty() ? 0 : decoder.windows.at(static_cast<std::size_t>(layer));
    caches.push_back({2 * decoder.key_value_heads * decoder.head_size, window});
  }
  return caches;
}

}  // namespace gainsweep::model
