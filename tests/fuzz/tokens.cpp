#include "archive/tokens.hpp"

#include <algorithm>
#include <span>

#include "target.hpp"

namespace {

constexpr std::int64_t vocabulary = 50000;

using gainsweep::ErrorKind;
namespace archive = gainsweep::archive;
namespace fuzz = gainsweep::fuzz;

void check(const std::optional<std::vector<std::int64_t>>& ids) {
  const auto is_outside = [](std::int64_t id) { return id < 0 || id >= vocabulary; };
  if (ids && std::any_of(ids->begin(), ids->end(), is_outside)) fuzz::finding("an id outside");
}

std::vector<std::int64_t> read_file(const std::string& path) {
  return archive::read_tokens({{path, vocabulary}}).front();
}

void read(std::span<const std::byte> file) {
  check(fuzz::accepted(ErrorKind::input, [&] { return archive::decode_tokens(file, vocabulary); }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (fuzz::read_apart(read, std::as_bytes(std::span(bytes, size)))) return 0;
  // Where the library crashes, the program must not.
  const fuzz::MemoryFile file(bytes, size);
  check(fuzz::accepted(ErrorKind::input, [&] { return read_file(file.path()); }));
  return 0;
}
