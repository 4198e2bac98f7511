#include "disk/lock.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "../throws.hpp"
#include "calls.hpp"
#include "folder.hpp"

namespace gainsweep::disk {
namespace {

namespace fs = std::filesystem;

const std::string self = "process " + std::to_string(::getpid()) + " on ";

TEST(FolderLock, RefusesASecondHolderAndNamesTheFirst) {
  const Folder folder;
  const FolderLock lock(folder / "run");
  EXPECT_ERROR(FolderLock(folder / "run"), ErrorKind::environment,
               "run is in use (" + (folder / "run/lock").string() + " is locked by " + self);
}

TEST(FolderLock, IsFreeAfterItsHolderLeaves) {
  const Folder folder;
  std::optional<FolderLock> lock(folder.path());
  FolderLock moved(std::move(*lock));
  lock.reset();
  EXPECT_ERROR(FolderLock(folder.path()), ErrorKind::environment, "is in use");
  { const FolderLock last(std::move(moved)); }
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

/// Another process that holds a folder's lock until it is killed.
class Holder {
 public:
  explicit Holder(const fs::path& folder) {
    EXPECT_EQ(::pipe(ready_.data()), 0);
    process_ = ::fork();
    if (process_ == 0) {
      const FolderLock lock(folder);
      if (::write(ready_[1], "x", 1) != 1) ::_exit(1);
      ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready_[0], &byte, 1), 1);
  }
  ~Holder() {
    ::close(ready_[0]);
    ::close(ready_[1]);
  }

  std::string name() const { return "process " + std::to_string(process_) + " on "; }
  void kill() const {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }

 private:
  std::array<int, 2> ready_{};
  pid_t process_ = 0;
};

TEST(FolderLock, AnotherProcessHoldsItUntilItDies) {
  const Folder folder;
  const Holder holder(folder.path());
  EXPECT_ERROR(FolderLock(folder.path()), ErrorKind::environment, holder.name());
  holder.kill();
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

TEST(FolderLock, FolderThatCannotBe) {
  const Folder folder;
  folder.write("file", "");
  EXPECT_ERROR(FolderLock(folder / "file"), ErrorKind::environment, "file cannot be written (");
}

// Other nodes read the holder from the server.
TEST(FolderLock, TheHolderIsSynchronised) {
  const Folder folder;
  EXPECT_EQ(lock_holder(folder.path()), "none");
  calls::synchronised();
  const FolderLock lock(folder.path());
  EXPECT_THAT(calls::synchronised(), testing::ElementsAre(testing::StartsWith(self)));
  EXPECT_THAT(lock_holder(folder.path()), testing::StartsWith(self));
}

TEST(FolderLock, TellsWhetherItIsHeld) {
  const Folder folder;
  EXPECT_FALSE(is_locked(folder.path()));
  {
    const FolderLock lock(folder.path());
    EXPECT_TRUE(is_locked(folder.path()));
  }
  EXPECT_FALSE(is_locked(folder.path()));
}

/// What may happen to a locked folder.
const std::vector<std::function<void(const fs::path&)>> losses{
    [](const fs::path& run) { fs::rename(run, run.string() + "-moved"); },
    [](const fs::path& run) { fs::remove_all(run); },
    [](const fs::path& run) { fs::remove(run / "lock"); },
    [](const fs::path& run) { fs::rename(run / "lock", run / "other"); },
};

TEST(FolderLock, TellsWhenTheFolderOrTheFileIsNotTheOneThatWasLocked) {
  for (const auto& lose : losses) {
    const Folder folder;
    const FolderLock lock(folder / "run");
    const FolderWitness witness(folder / "run");  // of another rank
    lock.check();
    witness.check();
    lose(folder / "run");
    const auto lost = (folder / "run/lock").string() + " was moved or removed during the run";
    EXPECT_ERROR(lock.check(), ErrorKind::environment, lost);
    const FolderLock next(folder / "run");  // of a run that may go on there
    next.check();
    EXPECT_ERROR(lock.check(), ErrorKind::environment, lost);
    EXPECT_ERROR(witness.check(), ErrorKind::environment, lost);
  }
}

TEST(FolderLock, IsOfTheFileThatThePathNamesOnceItIsLocked) {
  for (const auto& lose : losses) {
    const Folder folder;
    calls::before_flock([&] { lose(folder / "run"); });
    const FolderLock lock(folder / "run");
    lock.check();
    EXPECT_ERROR(FolderLock(folder / "run"), ErrorKind::environment, "is locked by " + self);
  }
}

/// A file system without flock.
class NoFlock : public ::testing::TestWithParam<int> {
 protected:
  NoFlock() { calls::fail_flock(GetParam()); }
  ~NoFlock() override { calls::fail_flock(0); }

  const Folder folder;
  const fs::path mark = folder / "lock.taken";
};

INSTANTIATE_TEST_SUITE_P(Codes, NoFlock, testing::Values(ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL));

TEST_P(NoFlock, AMarkKeepsASecondHolderAway) {
  testing::internal::CaptureStderr();
  {
    const FolderLock lock(folder.path());
    EXPECT_THAT(testing::internal::GetCapturedStderr(),
                testing::AllOf(testing::HasSubstr("this file system has no flock"),
                               testing::HasSubstr(mark.string() + " keeps other runs away")));
    lock.check();
    EXPECT_TRUE(is_locked(folder.path()));
    EXPECT_ERROR(FolderLock(folder.path()), ErrorKind::environment,
                 mark.string() + " was made by " + self);
    calls::fail_flock(0);  // as on a node that has flock
    EXPECT_TRUE(is_locked(folder.path()));
    EXPECT_ERROR(FolderLock(folder.path()), ErrorKind::environment, "remove " + mark.string());
    calls::fail_flock(GetParam());
  }
  EXPECT_FALSE(fs::exists(mark));
  EXPECT_FALSE(is_locked(folder.path()));
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

TEST_P(NoFlock, WhatAKilledHolderLeavesIsTakenOver) {
  const Holder holder(folder.path());
  EXPECT_ERROR(FolderLock(folder.path()), ErrorKind::environment, "was made by " + holder.name());
  holder.kill();
  EXPECT_TRUE(fs::exists(mark));
  EXPECT_FALSE(is_locked(folder.path()));
  { const FolderLock lock(folder.path()); }
  EXPECT_FALSE(fs::exists(mark));
}

TEST_P(NoFlock, OfAHolderElsewhereNobodyKnows) {
  for (const char* text : {"process 1 on elsewhere\npid:[1] 5\n", "", "process"}) {
    folder.write("lock.taken", text);
    EXPECT_ERROR(FolderLock(folder.path()), ErrorKind::environment,
                 "if it is gone, remove " + mark.string());
    EXPECT_TRUE(is_locked(folder.path()));
  }
  fs::remove(mark);
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

TEST_P(NoFlock, AnotherRunsMarkIsLeftAlone) {
  {
    const FolderLock lock(folder.path());
    fs::remove(mark);
    folder.write("lock.taken", "process 1 on elsewhere\n");
    release_marks();
    EXPECT_TRUE(fs::exists(mark));
  }
  EXPECT_TRUE(fs::exists(mark));
}

TEST_P(NoFlock, AProcessThatEndsAtOnceRemovesItsMarks) {
  const FolderLock lock(folder.path());
  release_marks();
  EXPECT_FALSE(fs::exists(mark));
}

TEST(FolderWitness, NeedsALockFile) {
  const Folder folder;
  EXPECT_ERROR(FolderWitness(folder.path()), ErrorKind::environment, "lock was moved or removed");
}

}  // namespace
}  // namespace gainsweep::disk
