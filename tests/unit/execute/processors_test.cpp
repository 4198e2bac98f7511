#include "execute/processors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "unit/throws.hpp"

namespace gainsweep::execute {
namespace {

namespace fs = std::filesystem;
using testing::Optional;

class Quota : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) /
            (std::string("quota_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const fs::path& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  fs::path root_;
};

TEST_F(Quota, IsNoneWithoutGroups) {
  EXPECT_EQ(processor_quota(root_), std::nullopt);
}

TEST_F(Quota, OfAContainerIsAtTheMountsTop) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_THAT(processor_quota(root_), Optional(1.5));
}

TEST_F(Quota, OfAHostsPathThatIsNotMountedIsTheTops) {
  write("proc/self/cgroup", "0::/../../system.slice/docker-4711.scope\n");
  write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_THAT(processor_quota(root_), Optional(2.0));
}

TEST_F(Quota, IsTheSmallestOfAllAbove) {
  write("proc/self/cgroup", "0::/user.slice/session.scope\n");
  write("sys/fs/cgroup/user.slice/cpu.max", "300000 100000\n");
  write("sys/fs/cgroup/user.slice/session.scope/cpu.max", "max 100000\n");
  EXPECT_THAT(processor_quota(root_), Optional(3.0));
}

TEST_F(Quota, MaxIsNone) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(processor_quota(root_), std::nullopt);
}

TEST_F(Quota, OfTheFirstVersion) {
  write("proc/self/cgroup", "4:cpuset:/a\n3:cpu,cpuacct:/docker/4711\nnonsense\n");
  write("sys/fs/cgroup/cpu/docker/4711/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu/docker/4711/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_THAT(processor_quota(root_), Optional(2.5));
}

TEST_F(Quota, OddFilesAreNone) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "100000 0\n");
  EXPECT_EQ(processor_quota(root_), std::nullopt);
  write("sys/fs/cgroup/cpu.max", "");
  EXPECT_EQ(processor_quota(root_), std::nullopt);
}

TEST(CheckThreads, TakesWhatIsThere) {
  EXPECT_NO_THROW(check_threads(4, 4, 4.0));
  EXPECT_NO_THROW(check_threads(4, std::nullopt, std::nullopt));
  EXPECT_NO_THROW(check_threads(1, 1, 0.5));
}

TEST(CheckThreads, RefusesMoreThanTheQuota) {
  EXPECT_ERROR(check_threads(4, 8, 1.5), ErrorKind::environment,
               "4 threads where this container has the CPU quota of 1.5");
  EXPECT_ERROR(check_threads(4, 8, 3), ErrorKind::environment, "`--cpus=4`");
}

TEST(CheckThreads, RefusesMoreThanTheMask) {
  EXPECT_ERROR(check_threads(4, 2, std::nullopt), ErrorKind::environment,
               "4 threads on 2 processors");
}

}  // namespace
}  // namespace gainsweep::execute
