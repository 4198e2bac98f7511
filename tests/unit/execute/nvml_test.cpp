#include "execute/nvml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

namespace gainsweep::execute {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A machine of two cards, of which the second tells little (tests/fake_nvml).
class NvmlLibrary : public testing::Test {
 protected:
  NvmlLibrary() : library_(Nvml::open(FAKE_NVML)) {}
  ~NvmlLibrary() override { unsetenv("FAKE_NVML_REASONS"); }
  void SetUp() override { ASSERT_NE(library_, nullptr); }

  std::unique_ptr<const Nvml> library_;
};

TEST_F(NvmlLibrary, TellsDriverAndCards) {
  EXPECT_EQ(library_->driver_version(), "580.00.01");
  const auto cards = library_->cards();
  ASSERT_EQ(cards.size(), 2U);
  EXPECT_EQ(cards[0].name, "Fake Card 90");
  EXPECT_EQ(cards[0].address, "00000000:19:00.0");
  EXPECT_EQ(cards[0].capability, std::pair(9, 0));
  EXPECT_EQ(cards[1].name, "Fake Card 10");
  EXPECT_EQ(cards[1].capability, std::pair(0, 0)) << "nobody tells";
}

TEST_F(NvmlLibrary, KnowsCardsByAddressAndUuid) {
  EXPECT_EQ(library_->card("0000:5A:00.0").name, "Fake Card 10") << "as CUDA writes it";
  EXPECT_EQ(library_->card("00000000:19:00.0").uuid, library_->cards()[0].uuid);
  EXPECT_EQ(library_->card(library_->cards()[1].uuid).name, "Fake Card 10");
  EXPECT_EQ(library_->card("0000:FF:00.0").name, "");
  EXPECT_EQ(library_->card("GPU-of-another-machine").name, "");
}

TEST_F(NvmlLibrary, TellsHowACardIsDoing) {
  const auto state = library_->state("0000:19:00.0");
  EXPECT_EQ(state.clock_hz, 1.98e9);
  EXPECT_EQ(state.power_watts, 412.5);
  EXPECT_EQ(state.temperature_celsius, 61);
  EXPECT_THAT(state.clock_reasons, ElementsAre("gpu_idle"));
  EXPECT_THAT(state.held_back_by, IsEmpty());
  setenv("FAKE_NVML_REASONS", "0x26", 1);
  const auto slow = library_->state("0000:19:00.0");
  EXPECT_THAT(slow.clock_reasons,
              ElementsAre("applications_clocks_setting", "sw_power_cap", "sw_thermal_slowdown"));
  EXPECT_THAT(slow.held_back_by, ElementsAre("sw_power_cap", "sw_thermal_slowdown"));
}

TEST_F(NvmlLibrary, TellsNothingOfCardsThatDoNot) {
  for (const auto* id : {"0000:5A:00.0", "0000:FF:00.0"}) {
    const auto state = library_->state(id);
    EXPECT_TRUE(std::isnan(state.clock_hz) && std::isnan(state.power_watts) &&
                std::isnan(state.temperature_celsius))
        << id;
    EXPECT_THAT(state.clock_reasons, IsEmpty());
    EXPECT_THAT(state.held_back_by, IsEmpty());
  }
}

TEST(Nvml, MayBeAbsent) {
  EXPECT_EQ(Nvml::open("libnvidia-ml-absent.so.1"), nullptr);
  setenv("FAKE_NVML_BROKEN", "1", 1);
  EXPECT_EQ(Nvml::open(FAKE_NVML), nullptr) << "no driver";
  unsetenv("FAKE_NVML_BROKEN");
}

TEST(ClockReasons, HoldACardBackUnlessTheyAreWanted) {
  EXPECT_THAT(clock_reason_names(0), IsEmpty());
  EXPECT_THAT(clock_reason_names(0x103),
              ElementsAre("gpu_idle", "applications_clocks_setting", "display_clocks_setting"));
  EXPECT_EQ(holding_back(0x103), 0U);
  for (const std::uint64_t bit : {0x4, 0x8, 0x10, 0x20, 0x40, 0x80})
    EXPECT_EQ(holding_back(bit | 0x1), bit);
  EXPECT_THAT(clock_reason_names(0x1001), ElementsAre("gpu_idle", "0x1000"));
  EXPECT_EQ(holding_back(0x1000), 0x1000U) << "nobody knows what it is";
}

}  // namespace
}  // namespace gainsweep::execute
