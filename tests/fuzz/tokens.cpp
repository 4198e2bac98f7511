#include "archive/tokens.hpp"

#include <algorithm>
#include <span>

#include "target.hpp"

namespace {

constexpr std::int64_t vocabulary = 50000;

using gainsweep::ErrorKind;
namespace archive = gainsweep::archive;
namespace fuzz = gainsweep::fuzz;

void check(const std::optional<archive::TokenStream>& stream) {
  if (!stream) return;
  const auto& [ids, offsets, mask] = *stream;
  const auto is_outside = [](std::int64_t id) { return id < 0 || id >= vocabulary; };
  if (std::any_of(ids.begin(), ids.end(), is_outside)) fuzz::finding("an id outside");
  const auto num_ids = static_cast<std::int64_t>(ids.size());
  if (!offsets.empty() && (offsets.front() != 0 || offsets.back() != num_ids ||
                           !std::is_sorted(offsets.begin(), offsets.end())))
    fuzz::finding("samples outside");
  if (!mask.empty() && mask.size() != ids.size()) fuzz::finding("a mask of another length");
}

archive::TokenStream read_file(const std::string& path) {
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
