#include "disk/energy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace gainsweep::disk {
namespace {

namespace fs = std::filesystem;
using testing::Optional;

class Energy : public testing::Test {
 protected:
  void SetUp() override {
    root_ =
        fs::path(testing::TempDir()) /
        (std::string("energy_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(root_);
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& counter, const std::string& energy) const {
    const auto folder = root_ / "sys/class/powercap" / counter;
    fs::create_directories(folder);
    std::ofstream(folder / "energy_uj") << energy << "\n";
    std::ofstream(folder / "max_energy_range_uj") << "1000000\n";
  }

  fs::path root_;
};

TEST_F(Energy, IsNoneWithoutCounters) {
  EXPECT_TRUE(energy_counters(root_).empty());
  EXPECT_EQ(joules({}, {}), std::nullopt);
}

TEST_F(Energy, SumsPackagesAndNotTheirParts) {
  for (const auto* name : {"intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0", "dtpm"})
    write(name, "100000");
  const auto before = energy_counters(root_);
  ASSERT_EQ(before.size(), 2u);
  for (const auto* name : {"intel-rapl:0", "intel-rapl:1", "intel-rapl:0:0"}) write(name, "350000");
  EXPECT_THAT(joules(before, energy_counters(root_)), Optional(testing::DoubleEq(0.5)));
}

TEST_F(Energy, CountsOnWhereACounterStartsAgain) {
  write("intel-rapl:0", "900000");
  const auto before = energy_counters(root_);
  write("intel-rapl:0", "200000");
  EXPECT_THAT(joules(before, energy_counters(root_)), Optional(testing::DoubleEq(0.3)));
}

TEST_F(Energy, OfOtherCountersIsNone) {
  write("intel-rapl:0", "1");
  const auto before = energy_counters(root_);
  write("intel-rapl:1", "1");
  EXPECT_EQ(joules(before, energy_counters(root_)), std::nullopt);
  write("intel-rapl:0", "no number");
  EXPECT_EQ(energy_counters(root_).size(), 1u);
}

}  // namespace
}  // namespace gainsweep::disk
