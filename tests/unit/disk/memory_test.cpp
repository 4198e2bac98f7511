#include "disk/memory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "../throws.hpp"

namespace gainsweep::disk {
namespace {

namespace fs = std::filesystem;

class Memory : public testing::Test {
 protected:
  void SetUp() override {
    root_ =
        fs::path(testing::TempDir()) /
        (std::string("memory_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
    write("proc/meminfo", "MemTotal:       1000 kB\nMemFree:         10 kB\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const fs::path& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  fs::path root_;
};

TEST_F(Memory, IsTheMachinesWithoutGroups) {
  EXPECT_EQ(memory_of_machine(root_), 1000 * 1024);
}

TEST_F(Memory, IsTheSmallestOfGroupsAbove) {
  write("proc/self/cgroup", "0::/job/step\n");
  write("sys/fs/cgroup/memory.max", "max\n");
  write("sys/fs/cgroup/job/memory.max", "300000\n");
  write("sys/fs/cgroup/job/step/memory.max", "400000\n");
  EXPECT_EQ(memory_of_machine(root_), 300000);
}

TEST_F(Memory, OfTheFirstVersionWithoutLimitIsTheMachines) {
  write("proc/self/cgroup", "9:memory:/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(memory_of_machine(root_), 1000 * 1024);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n");
  EXPECT_EQ(memory_of_machine(root_), 500000);
}

TEST_F(Memory, RefusesASystemThatDoesNotSay) {
  write("proc/meminfo", "MemTotal: many\n");
  EXPECT_ERROR(memory_of_machine(root_), ErrorKind::environment, "Write memory_limit");
}

TEST_F(Memory, InUseIsTakenApart) {
  write("proc/self/status", "VmRSS: 60 kB\nRssAnon:\t30 kB\nRssFile:\t20 kB\nRssShmem:\t10 kB\n");
  const auto in_use = memory_in_use(root_);
  EXPECT_EQ(in_use.anonymous, 30 * 1024);
  EXPECT_EQ(in_use.mapped, 30 * 1024);
}

TEST(MemoryInUse, GrowsWithWhatIsTouched) {
  const auto before = memory_in_use().anonymous;
  const std::vector<char> touched(std::size_t{64} << 20, 1);
  EXPECT_GT(memory_in_use().anonymous, before + (std::int64_t{48} << 20)) << touched.back();
}

}  // namespace
}  // namespace gainsweep::disk
