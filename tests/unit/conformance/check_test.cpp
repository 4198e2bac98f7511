// Devices that do something wrong, and are caught.

#include "conformance/check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "execute/program.hpp"
#include "lower/target.hpp"

namespace gainsweep::conformance {
namespace {

using execute::Device;
using ::testing::HasSubstr;

Finding found(const std::string& check, const Device& device) {
  for (const auto& one : checks())
    if (one.name == check) return one.run(device);
  ADD_FAILURE() << "there is no check " << check;
  return {};
}

Device cpu() {
  static const bool started = [] {
    execute::start(execute::devices().at("cpu"), 1);
    return true;
  }();
  EXPECT_TRUE(started);
  return execute::devices().at("cpu");
}

TEST(Checks, PassOnTheCpu) {
  std::vector<std::string> told;
  const auto results = run(cpu(), [&](const auto& result) { told.push_back(result.check); });
  ASSERT_EQ(results.size(), checks().size());
  ASSERT_EQ(told.size(), results.size()) << "each is told when it is over";
  for (const auto& result : results)
    EXPECT_NE(result.finding.verdict, Verdict::failed)
        << result.check << ": " << result.finding.detail;
  EXPECT_EQ(results.front().check, "card");
}

TEST(Checks, TellWhatCannotBeTried) {
  auto device = cpu();
  device.kernels = [](const auto&...) -> std::vector<std::string> {
    throw Error(ErrorKind::environment, "only a reference kernel");
  };
  for (const auto* check : {"values in int8", "configurations", "kernels"})
    EXPECT_EQ(found(check, device).verdict, Verdict::untried) << check;
  EXPECT_EQ(found("values in int8", device).detail, "only a reference kernel");
  EXPECT_EQ(found("state", device).verdict, Verdict::untried);
}

/// Every low op is one that rounds to another scale.
TEST(Checks, CatchAnotherRounding) {
  auto target = lower::targets().at("onednn");
  target.name = "coarse";
  target.runs = [](const graph::Op& op, const format::Format& format) {
    return op.kind == graph::OpKind::linear && format.name == "fp8_e4m3";
  };
  target.low = [high = target.high](auto& lowering, const auto& site, const auto&) {
    high(lowering, site);  // not rounded at all
  };
  lower::targets().add(target);
  auto device = cpu();
  device.target = [] { return std::string("coarse"); };
  device.kernels = [](const auto&...) { return std::vector<std::string>{"fp8_e4m3 coarse"}; };
  const auto one = found("values in fp8_e4m3", device);
  EXPECT_EQ(one.verdict, Verdict::failed);
  EXPECT_THAT(one.detail, HasSubstr("linear layer: differs by"));
  EXPECT_THAT(one.detail, HasSubstr("product: no kernel"));
  EXPECT_EQ(found("values in fp8_e5m2", device).verdict, Verdict::untried);
  EXPECT_EQ(found("configurations", device).verdict, Verdict::failed);
}

TEST(Checks, CatchProgramsThatCompileAgain) {
  auto device = cpu();
  std::int64_t count = 0;
  device.compilations = [&] { return ++count; };
  EXPECT_EQ(found("compilations", device).verdict, Verdict::failed);
  device.compilations = [] { return std::int64_t{3}; };
  EXPECT_EQ(found("compilations", device).verdict, Verdict::passed);
}

TEST(Checks, TellWhatMayRunOnTheHost) {
  auto device = cpu();
  EXPECT_EQ(found("host", device).verdict, Verdict::passed) << "it is the host";
  device.shared_by_ranks = false;
  EXPECT_EQ(found("host", device).verdict, Verdict::passed) << "nothing is allowed";
  device.allowed_on_host = [] { return std::string("aten::erfinv"); };
  EXPECT_EQ(found("host", device).verdict, Verdict::untried);
  device.allowed_on_host = [] { return std::string("none"); };
  EXPECT_EQ(found("host", device).verdict, Verdict::passed);
}

TEST(Checks, TellHowACardIsDoing) {
  auto device = cpu();
  device.state = [] {
    return execute::CardState{1.4e9, 700, 61, {"sw_power_cap"}, {"sw_power_cap"}};
  };
  const auto state = found("state", device);
  EXPECT_EQ(state.verdict, Verdict::passed);
  EXPECT_THAT(state.detail, HasSubstr("1400 MHz, 700 W, 61 °C, sw_power_cap; held back by"));
  device.state = [] { return execute::CardState{}; };
  EXPECT_EQ(found("state", device).verdict, Verdict::untried) << "the driver does not tell";
}

TEST(Checks, ThatThrowHaveFailed) {
  auto device = cpu();
  device.identity = []() -> execute::Identity { throw std::runtime_error("the card is lost"); };
  const auto results = run(device, [](const auto&) {});
  EXPECT_EQ(results.front().finding.verdict, Verdict::failed);
  EXPECT_EQ(results.front().finding.detail, "the card is lost");
}

}  // namespace
}  // namespace gainsweep::conformance
