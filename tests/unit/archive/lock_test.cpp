#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "archive/parts.hpp"
#include "base/error.hpp"
#include "sample.hpp"

namespace gainsweep::archive {
namespace {

using sample::Folder;

TEST(FolderLock, RefusesASecondHolderAndNamesTheFirst) {
  const Folder folder;
  const FolderLock lock(folder / "run");
  try {
    const FolderLock second(folder / "run");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    EXPECT_THAT(error.what(),
                testing::HasSubstr("locked by process " + std::to_string(::getpid()) + " on "));
  }
}

TEST(FolderLock, IsFreeAfterItsHolderLeaves) {
  const Folder folder;
  std::optional<FolderLock> lock(folder.path());
  FolderLock moved(std::move(*lock));
  lock.reset();
  EXPECT_THROW(FolderLock(folder.path()), Error);
  { const FolderLock last(std::move(moved)); }
  EXPECT_NO_THROW(FolderLock(folder.path()));
}

TEST(FolderLock, AnotherProcessHoldsItUntilItDies) {
  const Folder folder;
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    if (::write(ready[1], "x", 1) != 1) ::_exit(1);
    ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  try {
    const FolderLock lock(folder.path());
    ADD_FAILURE() << "locked twice";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("process " + std::to_string(child) + " on "));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(FolderLock(folder.path()));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FolderLock, FolderThatCannotBe) {
  const Folder folder;
  sample::put_bytes(folder / "file", "");
  EXPECT_THROW(FolderLock(folder / "file"), Error);
}

}  // namespace
}  // namespace gainsweep::archive
