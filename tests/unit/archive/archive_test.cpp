#include "archive/archive.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "base/error.hpp"
#include "sample.hpp"

namespace gainsweep::archive {
namespace {

using sample::Folder;

/// The message of the Error that `action` throws, with its kind; "none" without one.
std::string error_of(const std::function<void()>& action, ErrorKind kind) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind() == kind ? error.what() : "wrong kind: " + std::string(error.what());
  }
  return "none";
}

TEST(Archive, RoundTripKeepsAllTypesAndSpecialValues) {
  const Folder folder;
  const Contents contents = sample::small();
  write(folder / "a.h5", contents);
  const Contents back = read(folder / "a.h5");
  EXPECT_EQ(sample::all_differences(contents, back), "");
  ASSERT_EQ(back.tables.size(), contents.tables.size());
  for (std::size_t t = 0; t < back.tables.size(); ++t) {
    EXPECT_EQ(back.tables[t].path, contents.tables[t].path);
    EXPECT_EQ(back.tables[t].nature, contents.tables[t].nature);
    EXPECT_EQ(back.tables[t].fields, contents.tables[t].fields);
  }
}

TEST(Archive, RoundTripOfRandomContents) {
  const Folder folder;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Contents contents = sample::random(seed);
    write(folder / "a.h5", contents);
    const Contents back = read(folder / "a.h5");
    ASSERT_EQ(sample::all_differences(contents, back), "") << "seed " << seed;
    for (std::size_t t = 0; t < back.tables.size(); ++t) {
      ASSERT_EQ(back.tables[t].fields, contents.tables[t].fields) << "seed " << seed;
    }
  }
}

TEST(Archive, LargeArraysOfSeveralChunks) {
  const Folder folder;
  std::vector<double> numbers(700 * 513);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = 1.0 / (1.0 + static_cast<double>(i));
  Contents contents;
  contents.tables.push_back(
      {"big",
       "Big",
       Nature::deterministic,
       {{"x", numbers, {700, 513}, "1", "Numbers", {"row", "column"}},
        {"wide",
         std::vector<std::int64_t>(400000, 7),
         {1, 400000},
         "1",
         "Sevens",
         {"row", "place"}},
        {"texts", std::vector<std::string>{std::string(3000000, 'a'), "b"}, {2}, "", "T", {"t"}}}});
  write(folder / "a.h5", contents);
  EXPECT_EQ(sample::all_differences(contents, read(folder / "a.h5")), "");
}

TEST(Archive, EqualContentsGiveEqualBytes) {
  const Folder folder;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    write(folder / "a.h5", sample::random(seed));
    write(folder / "other.h5", sample::random(seed + 100));  // leaves other garbage in the heap
    write(folder / "b.h5", sample::random(seed));
    EXPECT_TRUE(sample::file_bytes(folder / "a.h5") == sample::file_bytes(folder / "b.h5"));
  }
}

TEST(Archive, RelativePathWithoutFolder) {
  const Folder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write("a.h5", sample::small());
  EXPECT_EQ(sample::all_differences(read("a.h5"), sample::small()), "");
  std::filesystem::current_path(before);
}

struct Unwritable {
  const char* what;
  std::function<void(Contents&)> spoil;
};

TEST(Archive, RefusesContentsThatNoFileCanHold) {
  const std::vector<Unwritable> cases{
      {"it comes twice", [](Contents& c) { c.tables.push_back(c.tables.front()); }},
      {"it comes twice",
       [](Contents& c) { c.tables[0].fields.push_back(c.tables[0].fields.front()); }},
      {"the group is reserved", [](Contents& c) { c.tables[0].path = "measured/ops"; }},
      {"the group is reserved", [](Contents& c) { c.tables[0].path = "provenance"; }},
      {"the group is reserved", [](Contents& c) { c.tables.back().path = "machine"; }},
      {"an axis has the same name", [](Contents& c) { c.tables[0].path = "op_3"; }},
      {"an axis has the same name",
       [](Contents& c) { c.tables.back().path = "repetition_2/class_0"; }},
      {"its name is ''", [](Contents& c) { c.tables[0].path = "a//b"; }},
      {"its name is ''", [](Contents& c) { c.tables[0].fields[0].name = ""; }},
      {"its name has a '/'", [](Contents& c) { c.tables[0].fields[0].name = "a/b"; }},
      {"a group has the same path", [](Contents& c) { c.tables[0].path = "scores/unit_key"; }},
      {"1 axes for 2 dimensions",
       [](Contents& c) {
         c.tables[0].fields[0].shape = {3, 1};
       }},
      {"3 values for a shape of 4", [](Contents& c) { c.tables[0].fields[0].shape = {4}; }},
      {"it has a zero byte", [](Contents& c) { c.tables[0].long_name = std::string(1, '\0'); }},
      {"it has a zero byte", [](Contents& c) { c.provenance["k"] = std::string("a\0b", 3); }},
      {"the name sha256 is taken", [](Contents& c) { c.machine["sha256"] = "x"; }},
  };
  for (const Unwritable& unwritable : cases) {
    const Folder folder;
    Contents contents = sample::small();
    unwritable.spoil(contents);
    const std::string message =
        error_of([&] { write(folder / "a.h5", contents); }, ErrorKind::internal);
    EXPECT_NE(message.find(unwritable.what), std::string::npos) << message;
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  }
}

TEST(Archive, MissingFolderIsNamed) {
  const Folder folder;
  const std::string message =
      error_of([&] { write(folder / "none/a.h5", sample::small()); }, ErrorKind::environment);
  EXPECT_NE(message.find("No such file or directory"), std::string::npos) << message;
  EXPECT_NE(message.find((folder / "none").string()), std::string::npos) << message;
}

TEST(Archive, ReadOnlyFolderIsNamed) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write into read-only folders";
  const Folder folder;
  std::filesystem::permissions(
      folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const std::string message =
      error_of([&] { write(folder / "a.h5", sample::small()); }, ErrorKind::environment);
  EXPECT_NE(message.find("Permission denied"), std::string::npos) << message;
  std::filesystem::permissions(folder.path(), std::filesystem::perms::owner_all);
}

/// Runs `check` in a child that may write files of at most `bytes`; true if it returned true.
bool with_file_limit(rlim_t bytes, const std::function<bool()>& check) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    const bool limited = ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
    ::_exit(limited && check() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(Archive, FullDiskLeavesTheOldArchiveAndNothingElse) {
  const Folder folder;
  write(folder / "a.h5", sample::small());
  const std::string before = sample::file_bytes(folder / "a.h5");
  for (const rlim_t bytes : {0, 100, 512, 4096}) {
    EXPECT_TRUE(with_file_limit(bytes, [&] {
      const std::string message =
          error_of([&] { write(folder / "a.h5", sample::small()); }, ErrorKind::environment);
      return message.find("cannot be written (File too large)") != std::string::npos;
    })) << bytes;
  }
  EXPECT_TRUE(sample::file_bytes(folder / "a.h5") == before);
  const std::filesystem::directory_iterator entries(folder.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

}  // namespace
}  // namespace gainsweep::archive
