#include "archive/tokens.hpp"

#include <algorithm>
#include <span>

#include "target.hpp"

namespace {

constexpr std::int64_t vocabulary = 50000;

namespace archive = gainsweep::archive;
namespace fuzz = gainsweep::fuzz;

void check_places(const archive::TokenStream& stream) {
  const auto& [ids, offsets, mask] = stream;
  const auto is_outside = [](std::int64_t id) { return id < 0 || id >= vocabulary; };
  if (std::any_of(ids.begin(), ids.end(), is_outside)) fuzz::finding("an id outside");
  const auto num_ids = static_cast<std::int64_t>(ids.size());
  if (!offsets.empty() && (offsets.front() != 0 || offsets.back() != num_ids ||
                           !std::is_sorted(offsets.begin(), offsets.end())))
    fuzz::finding("samples outside");
  if (!mask.empty() && mask.size() != ids.size()) fuzz::finding("a mask of another length");
}

struct Format {
  static archive::TokenStream decode(std::span<const std::byte> file) {
    return archive::decode_tokens(file, vocabulary);
  }
  static archive::TokenStream read(const std::string& path) {
    return archive::read_tokens({{path, vocabulary}}).front();
  }
  static void check(const archive::TokenStream& stream) { check_places(stream); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::try_foreign_file<Format>(bytes, size);
  return 0;
}
