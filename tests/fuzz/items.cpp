#include "archive/items.hpp"

#include <span>
#include <string>

#include "target.hpp"

namespace {

constexpr std::int64_t vocabulary = 50000;

namespace archive = gainsweep::archive;
namespace fuzz = gainsweep::fuzz;

/// What runs later takes for granted: places inside the tokens, requests inside the items.
void check_places(const archive::Items& items) {
  const auto& requests = items.requests;
  if (requests.offset.size() != items.num_requests() + 1 || requests.offset.front() != 0 ||
      requests.offset.back() != static_cast<std::int64_t>(items.tokens.size()))
    fuzz::finding("requests outside the tokens");
  for (const auto id : items.tokens)
    if (id < 0 || id >= vocabulary) fuzz::finding("an id outside");
  for (std::size_t i = 0; i < items.num_requests(); ++i) {
    const auto length = requests.offset[i + 1] - requests.offset[i];
    if (requests.start[i] < 1 || requests.start[i] >= length || length > items.length + 1)
      fuzz::finding("a request that cannot be run");
  }
  std::int64_t count = 0;
  for (std::size_t i = 0; i < items.num_items(); ++i) {
    if (items.items.label[i] < -1 || items.items.label[i] >= items.items.requests[i])
      fuzz::finding("a label outside");
    count += items.items.requests[i];
  }
  if (count != static_cast<std::int64_t>(items.num_requests()))
    fuzz::finding("items of other requests");
}

struct Format {
  static archive::Items decode(std::span<const std::byte> file) {
    return archive::decode_items(file, vocabulary);
  }
  static archive::Items read(const std::string& path) {
    return archive::read_items({{path, vocabulary}}).front();
  }
  static void check(const archive::Items& items) { check_places(items); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::try_foreign_file<Format>(bytes, size);
  return 0;
}
