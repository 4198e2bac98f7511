#include "cli/earlier_archive.hpp"

#include "archive/archive.hpp"
#include "archive/field.hpp"
#include "base/error.hpp"
#include "digest/digest.hpp"
#include "disk/file.hpp"
#include "disk/replace.hpp"

namespace gainsweep::cli {
namespace {

constexpr std::size_t digits_in_names = 8;

// Whether an archive is one of these points. Of a file that is damaged, or of another version of
// the program, nobody knows.
bool is_of(const std::filesystem::path& path, const std::vector<std::string>& resolved) {
  try {
    const auto contents = archive::read(path);
    return archive::texts(archive::table(contents, "points").fields, "spec_resolved") == resolved;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::filesystem::path keep_earlier_archive(const std::filesystem::path& folder,
                                           const std::vector<std::string>& resolved) {
  const auto path = folder / "archive.h5";
  if (!disk::is_there(path) || is_of(path, resolved)) return {};
  const auto digest = digest::of_bytes(disk::read_bytes(path));
  for (const auto& text : {digest.substr(0, digits_in_names), digest}) {
    const auto kept = folder / ("archive-" + text + ".h5");
    if (!disk::is_there(kept)) {
      disk::duplicate(path, kept);
      return kept;
    }
    if (digest::of_bytes(disk::read_bytes(kept)) == digest) return kept;
  }
  throw Error(ErrorKind::environment, (folder / ("archive-" + digest + ".h5")).string() +
                                          " is not the archive that its name tells. Move it away.");
}

}  // namespace gainsweep::cli
