#include "archive/archive.hpp"

#include <algorithm>
#include <span>
#include <string>

#include "archive/layout.hpp"
#include "archive/sweep.hpp"
#include "sample.hpp"
#include "target.hpp"

namespace {

using gainsweep::ErrorKind;
namespace archive = gainsweep::archive;
namespace fuzz = gainsweep::fuzz;

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// Points and units, as later commands take them out of an archive.
void read_points(const archive::Contents& contents) {
  constexpr std::size_t most_points = 4;
  fuzz::accepted(ErrorKind::input, [&] { return archive::unit_records(contents); });
  const auto count =
      fuzz::accepted(ErrorKind::input, [&] { return archive::num_points(contents); });
  for (std::size_t point = 0; point < std::min(count.value_or(0), most_points); ++point) {
    const auto selected =
        fuzz::accepted(ErrorKind::input, [&] { return archive::select(contents, point); });
    if (selected) archive::encode(*selected, archive::archive_kind);
  }
}

void read(std::span<const std::byte> file) {
  const auto contents = fuzz::accepted(ErrorKind::input, [&] { return archive::read(file); });
  if (!contents) return;
  const auto image = archive::encode(*contents, archive::archive_kind);
  const auto again = archive::decode(image, archive::archive_kind);
  const std::string changed = archive::sample::all_differences(*contents, again);
  if (!changed.empty())
    fuzz::finding("an archive does not survive being written again: " + changed);
  read_points(*contents);
}

}  // namespace

/// The input is an archive, read as it is (so that its seal is what refuses it) and once more under
/// a seal that fits (so that what stands behind the seal has to).
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string file(reinterpret_cast<const char*>(bytes), size);
  read(as_bytes(file));
  if (size <= archive::sample::seal_size) return 0;
  const auto sealed = archive::sample::sealed(file.substr(archive::sample::seal_size));
  fuzz::read_apart(read, as_bytes(sealed));
  return 0;
}
