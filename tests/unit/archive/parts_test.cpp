#include "archive/parts.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "../throws.hpp"
#include "archive/archive.hpp"
#include "base/error.hpp"
#include "sample.hpp"

namespace gainsweep::archive {
namespace {

using sample::Folder;

std::vector<std::filesystem::path> files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(Parts, RecordsComeBackWhateverTheirGrouping) {
  const Folder folder;
  std::vector<Record> expected;
  PartWriter writer(folder.path());
  for (std::uint64_t i = 0; i < 150; ++i) {
    Record timing{"times", Nature::measured, sample::key(i), i, {}};
    timing.fields.push_back({"time", std::vector<double>{1.0 * i}, {}, "s", "Time", {}});
    for (const Record& record : {sample::record(i), timing}) {
      expected.push_back(record);
      writer.add(record);
    }
    if (i % 7 == 0) writer.flush();
  }
  writer.flush();
  writer.flush();
  const StoredRecords stored = read_parts(folder.path());
  EXPECT_TRUE(stored.damaged.empty());
  ASSERT_EQ(stored.records.size(), expected.size());
  const Contents a{{}, {}, stack(expected)};
  const Contents b{{}, {}, stack(stored.records)};
  EXPECT_EQ(sample::all_differences(a, b), "");
}

TEST(Parts, AreWrittenEvery64RecordsAndOnFlush) {
  const Folder folder;
  PartWriter writer(folder.path());
  for (std::uint64_t i = 0; i < 63; ++i) writer.add(sample::record(i));
  EXPECT_EQ(files(folder / "parts").size(), 0U);
  writer.add(sample::record(63));
  EXPECT_EQ(files(folder / "parts").size(), 1U);
  writer.add(sample::record(64));
  writer.flush();
  EXPECT_EQ(files(folder / "parts").size(), 2U);
}

TEST(Parts, NeitherPartNorArchiveTakesItsNameAgainstTheCheck) {
  const Folder folder;
  bool lost = true;
  const auto check = [&] {
    if (lost) throw Error(ErrorKind::environment, "the folder is lost");
  };
  PartWriter writer(folder.path(), check);
  writer.add(sample::record(1));
  EXPECT_ERROR(writer.flush(), ErrorKind::environment, "the folder is lost");
  EXPECT_TRUE(files(folder / "parts").empty());
  sample::put_bytes(folder / "archive.h5", "another run's");
  EXPECT_ERROR(write(folder / "archive.h5", sample::small(), check), ErrorKind::environment,
               "the folder is lost");
  EXPECT_EQ(sample::file_bytes(folder / "archive.h5"), "another run's");
  EXPECT_EQ(files(folder.path()).size(), 2U);
  lost = false;
  writer.flush();
  EXPECT_EQ(read_parts(folder.path()).records.size(), 1U);
}

TEST(Parts, NoFolderNoRecords) {
  const Folder folder;
  EXPECT_TRUE(read_parts(folder / "none").records.empty());
  EXPECT_NO_THROW(remove_leftovers(folder / "none"));
}

TEST(Parts, AUnitDoneTwiceCountsOnce) {
  const Folder folder;
  for (const double time : {1.0, 2.0}) {
    PartWriter writer(folder.path());
    Record record = sample::record(1);
    record.fields[0].values = std::vector<double>{time, 0, 0};
    writer.add(record);
    writer.add(sample::record(2));
    writer.flush();
  }
  EXPECT_EQ(files(folder / "parts").size(), 2U);
  EXPECT_EQ(read_parts(folder.path()).records.size(), 2U);
}

TEST(Parts, EveryFlippedByteIsNoticed) {
  const Folder folder;
  PartWriter writer(folder.path());
  writer.add(sample::record(1));
  writer.flush();
  const auto path = files(folder / "parts").front();
  const std::string bytes = sample::file_bytes(path);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sample::put_byte(path, i, static_cast<char>(bytes[i] ^ (1 << (i % 8))));
    const StoredRecords stored = read_parts(folder.path());
    ASSERT_TRUE(stored.records.empty()) << "byte " << i;
    ASSERT_EQ(stored.damaged, std::vector{path}) << "byte " << i;
    sample::put_byte(path, i, bytes[i]);
  }
  EXPECT_EQ(read_parts(folder.path()).records.size(), 1U);
}

TEST(Parts, DamagedAndForeignPartsAreNamedAndLeftOut) {
  const Folder folder;
  PartWriter writer(folder.path());
  writer.add(sample::record(1));
  writer.flush();
  writer.add(sample::record(2));
  writer.flush();
  const auto path = files(folder / "parts").front();
  const std::string bytes = sample::file_bytes(path);
  sample::put_bytes(path, bytes.substr(0, bytes.size() / 2));
  EXPECT_EQ(read_parts(folder.path()).damaged, std::vector{path});
  EXPECT_EQ(read_parts(folder.path()).records.size(), 1U);
  sample::put_bytes(path, bytes);
  sample::put_bytes(folder / "parts/other.h5", bytes);
  sample::put_bytes(folder / "parts/notes.txt", "mine");
  EXPECT_EQ(read_parts(folder.path()).records.size(), 2U);
  EXPECT_EQ(read_parts(folder.path()).damaged, std::vector{folder / "parts/other.h5"});
}

TEST(Parts, LeftoversAreIgnoredAndRemoved) {
  const Folder folder;
  PartWriter writer(folder.path());
  writer.add(sample::record(1));
  writer.flush();
  sample::put_bytes(folder / "parts/.tmp-node-7-0", "half");
  sample::put_bytes(folder / ".tmp-node-7-1", "half");
  sample::put_bytes(folder / "spec.yaml", "mine");
  EXPECT_EQ(read_parts(folder.path()).records.size(), 1U);
  EXPECT_TRUE(read_parts(folder.path()).damaged.empty());
  remove_leftovers(folder.path());
  EXPECT_EQ(files(folder / "parts").size(), 1U);
  EXPECT_EQ(files(folder.path()).size(), 2U);  // parts and spec.yaml
}

TEST(Parts, AfterAFullDiskALaterFlushSucceeds) {
  const Folder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    PartWriter writer(folder.path());
    writer.add(sample::record(1));
    rlimit limit{100, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    try {
      writer.flush();
      ::_exit(3);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::environment) ::_exit(4);
    }
    if (!files(folder / "parts").empty()) ::_exit(5);
    limit.rlim_cur = RLIM_INFINITY;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    writer.flush();
    ::_exit(0);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(read_parts(folder.path()).records.size(), 1U);
}

/// Whatever moment the writer is killed at: every part under its final name is whole.
TEST(Parts, AKilledWriterLeavesNoTornPart) {
  const Folder folder;
  std::size_t known = 0;
  for (std::uint64_t kill = 0; kill < 30; ++kill) {
    const pid_t child = ::fork();
    if (child == 0) {
      PartWriter writer(folder.path());
      for (std::uint64_t i = kill << 32;; ++i) {
        writer.add(sample::record(i));
        writer.flush();
      }
    }
    ::usleep(static_cast<useconds_t>(2000 + 1300 * kill));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const StoredRecords stored = read_parts(folder.path());
    EXPECT_TRUE(stored.damaged.empty());
    EXPECT_GE(stored.records.size(), known);
    known = stored.records.size();
    for (const Record& record : stored.records) {
      ASSERT_EQ(record.fields, sample::record(record.order).fields);
    }
  }
  EXPECT_GT(known, 0U);
  remove_leftovers(folder.path());
  EXPECT_EQ(read_parts(folder.path()).records.size(), known);
}

/// Named parts are those alone, also when a network file system shows them late.
TEST(Parts, NamedPartsAreReadOnceTheyAppear) {
  const Folder folder;
  PartWriter writer(folder.path());
  for (std::uint64_t i = 0; i < 3; ++i) {
    writer.add(sample::record(i));
    writer.flush();
  }
  ASSERT_EQ(writer.written().size(), 3U);
  const auto part = folder.path() / "parts" / writer.written()[1];
  const auto hidden = folder.path() / "hidden";
  std::filesystem::rename(part, hidden);
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    std::filesystem::rename(hidden, part);
  });
  const auto records = read_parts(folder.path(), {writer.written()[1]});
  late.join();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].key, sample::record(1).key);
}

TEST(Parts, NamedPartsThatNeverAppearAreRefused) {
  const Folder folder;
  try {
    read_parts(folder.path(), {"absent.h5"}, std::chrono::milliseconds(30));
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    EXPECT_NE(std::string(error.what()).find("absent.h5 is not there"), std::string::npos);
  }
}

}  // namespace
}  // namespace gainsweep::archive
