#include "execute/hpu_cards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "execute/device.hpp"
#include "execute/hpu_settings.hpp"

namespace gainsweep::execute {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A system's folders with made-up cards, removed with it; the variables that name cards are unset.
class HpuCards : public testing::Test {
 protected:
  HpuCards() : root_(fs::temp_directory_path() / ("hpu_cards_" + std::to_string(getpid()))) {
    unsetenv("HLS_MODULE_ID");
    unsetenv("HABANA_VISIBLE_MODULES");
    fs::create_directories(root_);
  }
  ~HpuCards() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text << "\n";
  }
  void add_card(const std::string& file, const std::string& module, const std::string& node) const {
    write(file + "/device/module_id", module);
    write(file + "/device/device_type", "GAUDI2");
    write(file + "/device/pci_addr", "0000:19:00.0");
    write(file + "/device/numa_node", node);
  }

  fs::path root_;
};

TEST_F(HpuCards, AreKnownByModuleNotByTheirFile) {
  add_card("accel0", "10", "1");
  add_card("accel1", "2", "-1");
  write("accel2/device/device_type", "some other accelerator");
  const auto cards = hpu_cards(root_);
  ASSERT_EQ(cards.size(), 2U);
  EXPECT_EQ(cards[0].module, "2") << "in the order of modules";
  EXPECT_FALSE(cards[0].numa_node) << "-1 says that nobody knows";
  EXPECT_EQ(cards[1].numa_node, 1);
  EXPECT_EQ(cards[1].type, "GAUDI2");
  EXPECT_EQ(cards[1].address, "0000:19:00.0");
  EXPECT_THAT(visible_modules(cards), ElementsAre("2", "10"));
}

TEST_F(HpuCards, AreNamedByTheirLauncherFirst) {
  const std::vector<HpuCard> cards{{"0", "GAUDI2", ""}, {"1", "GAUDI2", ""}};
  setenv("HABANA_VISIBLE_MODULES", "", 1);
  EXPECT_THAT(visible_modules(cards), ElementsAre("0", "1")) << "set and empty: all";
  setenv("HABANA_VISIBLE_MODULES", "4,6", 1);
  EXPECT_THAT(visible_modules(cards), ElementsAre("4", "6"));
  setenv("HLS_MODULE_ID", "6", 1);
  EXPECT_THAT(visible_modules(cards), ElementsAre("6"));
}

TEST_F(HpuCards, AreEightWhereNobodyTells) {
  EXPECT_THAT(visible_modules(hpu_cards(root_ / "absent")),
              ElementsAre("0", "1", "2", "3", "4", "5", "6", "7"));
}

TEST_F(HpuCards, AreFarWhereNoProcessorOfTheirNodeIsAllowed) {
  write("node0/cpulist", "0-4000");
  write("node1/cpulist", "4001,4003-4100");
  EXPECT_EQ(numa_warning({"3", "GAUDI2", "", 0}, root_), "");
  EXPECT_EQ(numa_warning({"3", "GAUDI2", "", 7}, root_), "") << "a node that nobody knows";
  EXPECT_EQ(numa_warning({"3", "GAUDI2", ""}, root_), "");
  EXPECT_THAT(numa_warning({"3", "GAUDI2", "", 1}, root_),
              HasSubstr("hpu module 3 is on NUMA node 1 (processors 4001,4003-4100), and this rank "
                        "may run on none of them"));
}

TEST(HpuDevice, IsMissedWithThePlaceThatWasSearched) {
  EXPECT_THAT(
      devices().at("hpu").missing(),
      HasSubstr("no libhabana_pytorch_plugin.so or libhabana_pytorch_plugin.upstream.so in "));
  drive_hpu({.plugin = "no/such/plugin.so"});
  EXPECT_EQ(devices().at("hpu").missing(),
            "hpu.plugin names no/such/plugin.so, which is not there");
  drive_hpu({});
}

}  // namespace
}  // namespace gainsweep::execute
