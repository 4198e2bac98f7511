#include "digest/cache.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "digest/digest.hpp"
#include "disk/replace.hpp"

namespace gainsweep::digest {
namespace {

// Rises when of_file or the entries change.
constexpr const char* header = "gainsweep digest of a file, format 1\n";
constexpr std::string_view seal_name = "seal ";
// An entry ends in the digest's line and the seal's.
constexpr std::size_t place_of_digest_from_end =
    digest_length + 1 + seal_name.size() + digest_length + 1;

std::string entry(const FileState& state, const std::string& digest) {
  const auto content = header + to_text(state) + "digest " + digest + "\n";
  return content + std::string(seal_name) + of_text(content) + "\n";
}

std::string read_entry(const std::filesystem::path& path) {
  try {
    return disk::read_text(path);
  } catch (const Error&) {
    return "";
  }
}

bool settled(const FileState& state, std::int64_t seen_ns) {
  const std::int64_t least = std::chrono::nanoseconds(settling_time).count();
  return seen_ns - std::max(state.modified_ns, state.changed_ns) > least;
}

}  // namespace

std::int64_t now_ns() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count();
}

std::optional<std::filesystem::path> Cache::user_folder() {
  const auto absolute = [](const char* name) -> std::optional<std::filesystem::path> {
    const char* value = std::getenv(name);
    if (value == nullptr || value[0] != '/') return std::nullopt;
    return std::filesystem::path(value);
  };
  if (const auto cache = absolute("XDG_CACHE_HOME")) return *cache / "gainsweep";
  if (const auto home = absolute("HOME")) return *home / ".cache" / "gainsweep";
  return std::nullopt;
}

// By place alone, so that a changed file's entry takes the place of the one before.
std::filesystem::path Cache::entry_of(const FileState& state) const {
  const auto place =
      Builder().add("path", state.path).add("device", state.device).add("inode", state.inode);
  return *folder_ / (place.finish() + ".digest");
}

std::optional<std::string> Cache::find(const FileState& state) const {
  if (!folder_ || !state.dated) return std::nullopt;
  const auto text = read_entry(entry_of(state));
  if (text.size() < place_of_digest_from_end) return std::nullopt;
  auto digest = text.substr(text.size() - place_of_digest_from_end, digest_length);
  if (text != entry(state, digest)) return std::nullopt;
  return digest;
}

void Cache::store(const FileState& state, std::int64_t seen_ns, const std::string& digest) const {
  if (!folder_ || !state.dated || !settled(state, seen_ns)) return;
  std::error_code ignored;
  std::filesystem::create_directories(folder_->parent_path(), ignored);
  ::mkdir(folder_->c_str(), S_IRWXU);
  try {
    // An entry that a power failure tore does not match its seal.
    disk::replace(entry_of(state), entry(state, digest), disk::Durability::passing);
  } catch (const Error&) {
  }
}

}  // namespace gainsweep::digest
