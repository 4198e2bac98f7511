// The checks on the simulated card, whole and with something wrong. The bridge reads its
// environment once, so each mode is a process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "conformance/check.hpp"
#include "execute/hpu_settings.hpp"
#include "execute/program.hpp"

namespace gainsweep::conformance {
namespace {

using execute::Device;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Device& hpu() {
  static const Device& only = []() -> const Device& {
    const std::string mode = std::getenv("HPU_MODE");
    execute::drive_hpu(
        {.plugin = SIMULATED_HPU,
         .mode = mode == "eager" ? execute::HpuMode::eager : execute::HpuMode::lazy});
    execute::start(execute::devices().at("hpu"), 1);
    return execute::devices().at("hpu");
  }();
  return only;
}

Finding found(const std::string& check, const Device& device) {
  for (const auto& one : checks())
    if (one.name == check) return one.run(device);
  ADD_FAILURE() << "there is no check " << check;
  return {};
}

TEST(SimulatedCard, PassesAllChecksThatItHasSomethingFor) {
  std::vector<std::string> untried;
  for (const auto& [check, finding] : run(hpu(), [](const auto&) {})) {
    EXPECT_NE(finding.verdict, Verdict::failed) << check << ": " << finding.detail;
    if (finding.verdict == Verdict::untried) untried.push_back(check);
  }
  EXPECT_THAT(untried, ElementsAre("values in int8", "values in uint8", "values in int4",
                                   "values in fp8_e4m3", "values in fp8_e5m2", "state"));
  EXPECT_THAT(found("configurations", hpu()).detail, HasSubstr("32 of fp8_e4m3_gaudi2: differs"));
  const auto both = found("values in fp8_e4m3_gaudi2", hpu()).detail;
  EXPECT_THAT(both, HasSubstr("linear layer: differs"));
  EXPECT_THAT(both, HasSubstr("product: differs"));
}

TEST(SimulatedCard, ThatIsNotWaitedForFails) {
  auto forgetful = hpu();
  forgetful.record = [] { return execute::Event{[] {}}; };
  EXPECT_EQ(found("waiting", forgetful).verdict, Verdict::failed);
}

}  // namespace
}  // namespace gainsweep::conformance
