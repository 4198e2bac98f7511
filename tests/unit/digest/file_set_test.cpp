#include "digest/file_set.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"
#include "digest/digest.hpp"
#include "files.hpp"
#include "unit/throws.hpp"

namespace gainsweep::digest {
namespace {

namespace fs = std::filesystem;

class DigestFileSet : public Files {
 protected:
  DigestFileSet() {
    for (const std::size_t length :
         {std::size_t{0}, 3 * block_size + 5, std::size_t{77}, block_size, 2 * block_size - 1}) {
      files_.push_back(write("file" + std::to_string(files_.size()), pattern(length)));
      expected_[files_.back()] = of_file(files_.back());
    }
  }

  /// What `parts` processes would do together.
  FileDigests share(std::size_t parts, const Cache& cache = Cache(std::nullopt)) const {
    std::vector<std::string> hashed;
    for (std::size_t part = 0; part < parts; ++part)
      hashed.push_back(FileSet(files_, cache).hash(part, parts, 1 + static_cast<int>(part % 3)));
    FileSet set(files_, cache);
    set.complete(hashed, true);
    return set.digests();
  }

  std::string message_of_hash(const FileSet& set) const {
    try {
      set.hash(0, 1, 1);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      return error.what();
    }
  }

  std::vector<fs::path> files_;
  FileDigests expected_;
};

TEST_F(DigestFileSet, AnyNumberOfPartsGivesTheFilesDigests) {
  for (const std::size_t parts : {1, 2, 3, 5, 7, 8, 40})
    EXPECT_EQ(share(parts), expected_) << parts;
  EXPECT_EQ(of_files(files_, 2, Cache(std::nullopt)), expected_);
}

TEST_F(DigestFileSet, PartsAreOfEqualSize) {
  const FileSet set(files_, Cache(std::nullopt));
  // 4 + 1 + 1 + 2 blocks
  for (std::size_t part = 0; part < 4; ++part)
    EXPECT_EQ(set.hash(part, 4, 1).size(), 2 * raw_digest_size);
}

TEST_F(DigestFileSet, ReadsOnlyWhatNobodyKnows) {
  FileSet first(files_, Cache(std::nullopt));
  FileSet second(files_, Cache(std::nullopt));
  ASSERT_EQ(first.states(), second.states());
  first.complete({first.hash(0, 1, 1)}, false);
  EXPECT_EQ(second.known(), std::string(64 * files_.size(), '-'));
  second.learn(first.known());
  EXPECT_EQ(second.hash(0, 1, 1), "");
  second.complete({""}, false);
  EXPECT_EQ(second.digests(), expected_);
}

TEST_F(DigestFileSet, LearnsDigestsOneByOne) {
  FileSet all(files_, Cache(std::nullopt));
  all.complete({all.hash(0, 1, 1)}, false);
  auto known = all.known();
  known.replace(64, 64, std::string(64, '-'));
  FileSet set(files_, Cache(std::nullopt));
  set.learn(known);
  const auto hashed = set.hash(0, 1, 1);
  EXPECT_EQ(hashed.size(), 4 * raw_digest_size);
  set.complete({hashed}, false);
  EXPECT_EQ(set.digests(), expected_);
}

TEST_F(DigestFileSet, OtherFilesAreOtherStates) {
  const FileSet set(files_, Cache(std::nullopt));
  fs::copy_file(files_[2], folder_ / "copy");
  fs::last_write_time(folder_ / "copy", fs::last_write_time(files_[2]));
  auto others = files_;
  others[2] = folder_ / "copy";
  EXPECT_NE(FileSet(others, Cache(std::nullopt)).states(), set.states());
}

TEST_F(DigestFileSet, TheCacheChangesNoDigest) {
  const Cache cache(folder_ / "cache");
  for (int turn = 0; turn < 2; ++turn) {
    FileSet set(files_, cache);
    set.complete({set.hash(0, 1, 2)}, true);
    EXPECT_EQ(set.digests(), expected_);
  }
}

TEST_F(DigestFileSet, FilesThatHaveJustChangedAreNotRemembered) {
  const Cache cache(folder_ / "cache");
  EXPECT_EQ(of_files(files_, 1, cache), expected_);
  EXPECT_FALSE(fs::exists(folder_ / "cache"));
}

TEST_F(DigestFileSet, RemembersSettledFiles) {
  const Cache cache(folder_ / "cache");
  const auto state = state_of(disk::File(GAINSWEEP_SOURCE_DIR "/LICENSE"));
  if (!state.dated ||
      now_ns() - state.changed_ns < 2 * std::chrono::nanoseconds(settling_time).count())
    GTEST_SKIP() << "the sources are too young or on a file system that dates no changes";
  const auto digests = of_files({GAINSWEEP_SOURCE_DIR "/LICENSE"}, 1, cache);
  EXPECT_EQ(cache.find(state), digests.begin()->second);
  EXPECT_EQ(FileSet({GAINSWEEP_SOURCE_DIR "/LICENSE"}, cache).known(), digests.begin()->second);
}

TEST_F(DigestFileSet, NoticesAChangeSinceTheStateWasTaken) {
  const FileSet set(files_, Cache(std::nullopt));
  auto bytes = pattern(77);
  bytes[3] ^= std::byte{1};
  write("file2", bytes);
  fs::last_write_time(files_[2], fs::last_write_time(files_[2]) + std::chrono::seconds(1));
  EXPECT_THAT(message_of_hash(set), testing::AllOf(testing::HasSubstr(files_[2].string()),
                                                   testing::HasSubstr("it changed while")));
  fs::resize_file(files_[2], 5);
  EXPECT_THAT(message_of_hash(set), testing::HasSubstr("it became shorter while"));
  fs::remove(files_[2]);
  EXPECT_THAT(message_of_hash(set), testing::HasSubstr("No such file"));
}

TEST_F(DigestFileSet, AnAbsentFileIsAnError) {
  EXPECT_ERROR(FileSet({folder_ / "absent"}, Cache(std::nullopt)), ErrorKind::input, "absent");
}

TEST_F(DigestFileSet, PartsThatDoNotAddUpAreRefused) {
  FileSet set(files_, Cache(std::nullopt));
  EXPECT_ERROR(set.digests(), ErrorKind::internal, "digests were asked for too early");
  EXPECT_ERROR(set.complete({set.hash(0, 2, 1)}, false), ErrorKind::internal,
               "digests of blocks do not add up to the files");
}

}  // namespace
}  // namespace gainsweep::digest
