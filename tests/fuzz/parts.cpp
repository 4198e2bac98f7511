#include "archive/parts.hpp"

#include <span>
#include <string>

#include "archive/layout.hpp"
#include "digest/digest.hpp"
#include "sample.hpp"
#include "target.hpp"

namespace {

namespace archive = gainsweep::archive;
namespace fuzz = gainsweep::fuzz;

const std::filesystem::path& folder() {
  static const archive::sample::Folder made;
  return made.path();
}

/// Reads the part under the name that its bytes ask for. No part is an error: what is wrong with
/// one makes its units be done again.
void read(std::span<const std::byte> part) {
  const auto path = folder() / "parts" / (gainsweep::digest::of_bytes(part) + ".h5");
  archive::sample::put_bytes(path, {reinterpret_cast<const char*>(part.data()), part.size()});
  const auto stored = archive::read_parts(folder());
  std::filesystem::remove(path);
  if (stored.records.empty()) return;
  const archive::Contents contents{{}, {}, archive::stack(stored.records)};
  const auto again =
      archive::decode(archive::encode(contents, archive::part_kind), archive::part_kind);
  const std::string changed = archive::sample::all_differences(contents, again);
  if (!changed.empty()) fuzz::finding("a part does not survive being written again: " + changed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // What a crash left there is read no more.
  std::filesystem::remove_all(folder() / "parts");
  std::filesystem::create_directories(folder() / "parts");
  fuzz::read_apart(read, std::as_bytes(std::span(bytes, size)));
  return 0;
}
