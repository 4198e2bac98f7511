#include "digest/file_set.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "digest/digest.hpp"

namespace gainsweep::digest {
namespace {

constexpr char unknown = '-';

}  // namespace

FileSet::FileSet(std::vector<std::filesystem::path> files, Cache cache)
    : cache_(std::move(cache)), seen_ns_(now_ns()) {
  for (auto& path : files) {
    auto state = state_of(disk::File(path));
    auto digest = cache_.find(state);
    entries_.push_back({std::move(path), std::move(state), std::move(digest)});
  }
}

std::string FileSet::states() const {
  std::string text;
  for (const auto& entry : entries_) text += to_text(entry.state);
  return text;
}

std::string FileSet::known() const {
  std::string text;
  for (const auto& entry : entries_)
    text += entry.digest.value_or(std::string(digest_length, unknown));
  return text;
}

void FileSet::learn(std::string_view known) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const auto digest = known.substr(i * digest_length, digest_length);
    if (!entries_[i].digest && !digest.empty() && digest[0] != unknown)
      entries_[i].digest = std::string(digest);
  }
}

std::size_t FileSet::num_unknown_blocks() const {
  std::size_t count = 0;
  for (const auto& entry : entries_)
    if (!entry.digest) count += num_blocks(entry.state.size);
  return count;
}

std::string FileSet::hash(std::size_t part, std::size_t parts, int num_threads) const {
  const std::size_t total = num_unknown_blocks();
  const std::size_t first = total * part / parts;
  const std::size_t last = total * (part + 1) / parts;
  std::string hashed;
  std::size_t begin = 0;  // of the current file, in the count over all unknown ones
  for (const auto& entry : entries_) {
    if (entry.digest) continue;
    const std::size_t end = begin + num_blocks(entry.state.size);
    const std::size_t from = std::max(first, begin);
    const std::size_t to = std::min(last, end);
    if (from < to)
      hashed += of_file_blocks(entry.path, entry.state, from - begin, to - begin, num_threads);
    begin = end;
  }
  return hashed;
}

void FileSet::complete(const std::vector<std::string>& hashed, bool remember) {
  std::string blocks;
  for (const auto& part : hashed) blocks += part;
  if (blocks.size() != num_unknown_blocks() * raw_digest_size)
    throw Error(ErrorKind::internal, "digests of blocks do not add up to the files");
  std::string_view rest = blocks;
  for (auto& entry : entries_) {
    if (entry.digest) continue;
    const auto length = num_blocks(entry.state.size) * raw_digest_size;
    entry.digest = of_block_digests(entry.state.size, rest.substr(0, length));
    rest.remove_prefix(length);
    if (remember && state_of(disk::File(entry.path)) == entry.state)
      cache_.store(entry.state, seen_ns_, *entry.digest);
  }
}

FileDigests FileSet::digests() const {
  FileDigests result;
  for (const auto& entry : entries_) {
    if (!entry.digest) throw Error(ErrorKind::internal, "digests were asked for too early");
    result.emplace(entry.path, *entry.digest);
  }
  return result;
}

FileDigests of_files(const std::vector<std::filesystem::path>& files, int num_threads,
                     const Cache& cache) {
  FileSet set(files, cache);
  set.complete({set.hash(0, 1, num_threads)}, true);
  return set.digests();
}

}  // namespace gainsweep::digest
