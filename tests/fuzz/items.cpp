#include "archive/items.hpp"

#include <optional>
#include <span>
#include <string>

#include "target.hpp"

namespace {

constexpr std::int64_t vocabulary = 50000;

using gainsweep::ErrorKind;
namespace archive = gainsweep::archive;
namespace fuzz = gainsweep::fuzz;

/// What runs later takes for granted: places inside the tokens, requests inside the items.
void check(const std::optional<archive::Items>& items) {
  if (!items) return;
  const auto& requests = items->requests;
  if (requests.offset.size() != items->num_requests() + 1 || requests.offset.front() != 0 ||
      requests.offset.back() != static_cast<std::int64_t>(items->tokens.size()))
    fuzz::finding("requests outside the tokens");
  for (const auto id : items->tokens)
    if (id < 0 || id >= vocabulary) fuzz::finding("an id outside");
  for (std::size_t i = 0; i < items->num_requests(); ++i) {
    const auto length = requests.offset[i + 1] - requests.offset[i];
    if (requests.start[i] < 1 || requests.start[i] >= length || length > items->length + 1)
      fuzz::finding("a request that cannot be run");
  }
  std::int64_t count = 0;
  for (std::size_t i = 0; i < items->num_items(); ++i) {
    if (items->items.label[i] < -1 || items->items.label[i] >= items->items.requests[i])
      fuzz::finding("a label outside");
    count += items->items.requests[i];
  }
  if (count != static_cast<std::int64_t>(items->num_requests()))
    fuzz::finding("items of other requests");
}

archive::Items read_file(const std::string& path) {
  return archive::read_items({{path, vocabulary}}).front();
}

void read(std::span<const std::byte> file) {
  check(fuzz::accepted(ErrorKind::input, [&] { return archive::decode_items(file, vocabulary); }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (fuzz::read_apart(read, std::as_bytes(std::span(bytes, size)))) return 0;
  // Where the library crashes, the program must not.
  const fuzz::MemoryFile file(bytes, size);
  check(fuzz::accepted(ErrorKind::input, [&] { return read_file(file.path()); }));
  return 0;
}
