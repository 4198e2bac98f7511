#include "digest/cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <thread>

#include "digest/digest.hpp"
#include "files.hpp"

namespace gainsweep::digest {
namespace {

namespace fs = std::filesystem;

const std::int64_t hour_ns = 3'600'000'000'000;

std::string text_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class DigestCache : public Files {
 protected:
  /// Whatever the temporary folder's file system is, it moves change times in these tests.
  static FileState state_of(const fs::path& path) {
    auto state = digest::state_of(disk::File(path));
    state.dated = true;
    return state;
  }

  /// Of a file in the folder `checkpoint`, which the cache never sees.
  fs::path write_file(std::string_view content) const {
    fs::create_directories(folder_ / "checkpoint");
    return write("checkpoint/file", std::as_bytes(std::span(content)));
  }

  void store(const FileState& state, const std::string& digest) const {
    cache_.store(state, now_ns() + hour_ns, digest);
  }

  std::vector<fs::path> entries() const {
    std::vector<fs::path> found;
    if (!fs::exists(folder_ / "cache/gainsweep")) return found;
    for (const auto& entry : fs::directory_iterator(folder_ / "cache/gainsweep"))
      found.push_back(entry.path());
    return found;
  }

  Cache cache_{folder_ / "cache/gainsweep"};
  const std::string digest_ = of_text("some content");
};

TEST_F(DigestCache, RemembersAFileInItsState) {
  const auto state = state_of(write_file("content"));
  EXPECT_EQ(cache_.find(state), std::nullopt);
  store(state, digest_);
  EXPECT_EQ(cache_.find(state), digest_);
  EXPECT_EQ(Cache(folder_ / "cache/gainsweep").find(state), digest_);
  EXPECT_EQ(entries().size(), 1u);
}

TEST_F(DigestCache, EveryFieldOfTheStateCounts) {
  const auto state = state_of(write_file("content"));
  store(state, digest_);
  const auto changed = [&](auto change) {
    auto other = state;
    change(other);
    return cache_.find(other);
  };
  EXPECT_EQ(changed([](FileState&) {}), digest_);
  EXPECT_EQ(changed([](FileState& s) { s.path += "x"; }), std::nullopt);
  EXPECT_EQ(changed([](FileState& s) { ++s.device; }), std::nullopt);
  EXPECT_EQ(changed([](FileState& s) { ++s.inode; }), std::nullopt);
  EXPECT_EQ(changed([](FileState& s) { ++s.size; }), std::nullopt);
  EXPECT_EQ(changed([](FileState& s) { ++s.modified_ns; }), std::nullopt);
  EXPECT_EQ(changed([](FileState& s) { ++s.changed_ns; }), std::nullopt);
  EXPECT_EQ(changed([](FileState& s) { s.dated = false; }), std::nullopt);
}

TEST_F(DigestCache, NoticesAnotherContentOfEqualSizeAndModificationTime) {
  const auto path = write_file("content");
  const auto before = state_of(path);
  store(before, digest_);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // longer than a clock's tick
  write_file("CONTENT");
  const timespec times[] = {
      {before.modified_ns / 1'000'000'000, before.modified_ns % 1'000'000'000},
      {before.modified_ns / 1'000'000'000, before.modified_ns % 1'000'000'000}};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  const auto after = state_of(path);
  ASSERT_EQ(after.modified_ns, before.modified_ns);
  ASSERT_EQ(after.size, before.size);
  ASSERT_EQ(after.inode, before.inode);
  EXPECT_EQ(cache_.find(after), std::nullopt);
}

TEST_F(DigestCache, AFileSeenThroughALinkIsTheSame) {
  const auto path = write_file("content");
  fs::create_symlink(path, folder_ / "link");
  store(state_of(path), digest_);
  EXPECT_EQ(cache_.find(state_of(folder_ / "link")), digest_);
}

TEST_F(DigestCache, RemembersNoFileThatChangedJustBefore) {
  const auto state = state_of(write_file("content"));
  const auto changed = std::max(state.modified_ns, state.changed_ns);
  const auto window = std::chrono::nanoseconds(settling_time).count();
  for (const auto seen_ns : {changed - hour_ns, changed, changed + window}) {
    cache_.store(state, seen_ns, digest_);
    EXPECT_EQ(cache_.find(state), std::nullopt) << seen_ns - changed;
  }
  cache_.store(state, changed + window + 1, digest_);
  EXPECT_EQ(cache_.find(state), digest_);
}

TEST_F(DigestCache, RemembersNothingWhereChangesAreNotDated) {
  auto state = state_of(write_file("content"));
  state.dated = false;
  store(state, digest_);
  EXPECT_TRUE(entries().empty());
}

TEST_F(DigestCache, AChangedFileTakesThePlaceOfItsEntry) {
  auto state = state_of(write_file("content"));
  store(state, digest_);
  state.changed_ns += 1;
  const auto other = of_text("other");
  store(state, other);
  EXPECT_EQ(cache_.find(state), other);
  EXPECT_EQ(entries().size(), 1u);
}

TEST_F(DigestCache, EveryDamageIsNoticedAndMended) {
  const auto state = state_of(write_file("content"));
  store(state, digest_);
  const auto entry = entries().at(0);
  const auto sound = text_of(entry);
  for (std::size_t place = 0; place < sound.size(); ++place) {
    for (const char flip : {'\x01', '\x20', '\x80'}) {
      auto damaged = sound;
      damaged[place] ^= flip;
      std::ofstream(entry, std::ios::binary) << damaged;
      ASSERT_EQ(cache_.find(state), std::nullopt) << place;
    }
    std::ofstream(entry, std::ios::binary) << sound.substr(0, place);
    ASSERT_EQ(cache_.find(state), std::nullopt) << place;
  }
  std::ofstream(entry, std::ios::binary) << sound << "\n";
  EXPECT_EQ(cache_.find(state), std::nullopt);
  store(state, digest_);
  EXPECT_EQ(text_of(entry), sound);
}

TEST_F(DigestCache, AnEntryOfAnotherFileIsNotTaken) {
  const auto state = state_of(write_file("content"));
  store(state, digest_);
  auto other = state;
  other.path += "2";
  store(other, of_text("other"));
  const auto found = entries();
  ASSERT_EQ(found.size(), 2u);
  fs::rename(found[0], folder_ / "kept");
  fs::rename(found[1], found[0]);
  fs::rename(folder_ / "kept", found[1]);
  EXPECT_EQ(cache_.find(state), std::nullopt);
  EXPECT_EQ(cache_.find(other), std::nullopt);
}

TEST_F(DigestCache, AFolderThatCannotBeIsNoError) {
  const auto state = state_of(write_file("content"));
  write("occupied", {});
  for (const auto& folder : {folder_ / "occupied", folder_ / "occupied/gainsweep",
                             fs::path("/proc/no/such/gainsweep")}) {
    const Cache cache(folder);
    cache.store(state, now_ns() + hour_ns, digest_);
    EXPECT_EQ(cache.find(state), std::nullopt);
  }
  EXPECT_EQ(fs::file_size(folder_ / "occupied"), 0u);
  const Cache none(std::nullopt);
  none.store(state, now_ns() + hour_ns, digest_);
  EXPECT_EQ(none.find(state), std::nullopt);
}

TEST_F(DigestCache, AnUnwritableFolderIsNoError) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everywhere";
  fs::create_directories(folder_ / "cache/gainsweep");
  fs::permissions(folder_ / "cache/gainsweep", fs::perms::owner_read | fs::perms::owner_exec);
  const auto state = state_of(write_file("content"));
  store(state, digest_);
  EXPECT_EQ(cache_.find(state), std::nullopt);
}

TEST_F(DigestCache, SomethingElseInAnEntrysPlaceIsNoEntry) {
  const auto state = state_of(write_file("content"));
  store(state, digest_);
  const auto entry = entries().at(0);
  fs::remove(entry);
  ASSERT_EQ(mkfifo(entry.c_str(), 0600), 0);
  EXPECT_EQ(cache_.find(state), std::nullopt) << "and nobody waits for the pipe";
  fs::remove(entry);
  fs::create_directories(entry / "inside");
  EXPECT_EQ(cache_.find(state), std::nullopt);
  store(state, digest_);
  EXPECT_EQ(cache_.find(state), std::nullopt);
}

TEST_F(DigestCache, ManyWritersLeaveOneSoundEntry) {
  const auto state = state_of(write_file("content"));
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 4; ++i)
      writers.emplace_back([&] {
        for (int turn = 0; turn < 200; ++turn) {
          store(state, digest_);
          EXPECT_EQ(cache_.find(state), digest_);
        }
      });
  }
  EXPECT_EQ(entries().size(), 1u) << "temporary files are gone";
}

TEST_F(DigestCache, TheUsersFolderFollowsTheEnvironment) {
  const auto with = [](const char* cache, const char* home) {
    setenv("XDG_CACHE_HOME", cache, 1);
    setenv("HOME", home, 1);
    return Cache::user_folder();
  };
  EXPECT_EQ(with("/a", "/b"), "/a/gainsweep");
  EXPECT_EQ(with("", "/b"), "/b/.cache/gainsweep");
  EXPECT_EQ(with("relative", "/b"), "/b/.cache/gainsweep");
  EXPECT_EQ(with("", ""), std::nullopt);
  unsetenv("XDG_CACHE_HOME");
  unsetenv("HOME");
  EXPECT_EQ(Cache::user_folder(), std::nullopt);
}

}  // namespace
}  // namespace gainsweep::digest
