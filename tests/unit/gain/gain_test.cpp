#include "gain/gain.hpp"

#include <gtest/gtest.h>

#include "gain/objective.hpp"
#include "unit/throws.hpp"

namespace gainsweep::gain {
namespace {

using graph::Configuration;

// {a, b} together, then a head whose weight the embedding reads too.
graph::Partition partition() {
  graph::Partition all;
  const auto op = [&](const std::string& path, std::int64_t macs, std::int64_t elements,
                      std::int64_t channels, bool shared) {
    all.ops.push_back({{}, graph::OpKind::linear, path, {}, macs, elements, channels, shared});
  };
  op("a", 1000, 100, 10, false);
  op("b", 3000, 0, 0, false);
  op("head", 500, 50, 5, true);
  all.subgraphs = {{{{0}, {1}}, {{0}, {1}}, {0}, "{a,b}"}, {{{2}}, {{0}}, {1}, "head"}};
  all.classes = {{{0}}, {{1}}};
  return all;
}

std::vector<format::Format> formats() {
  auto by_tensor = format::by_name("fp8_e4m3");
  by_tensor.weight_granularity = format::Granularity::tensor;
  auto by_channel = format::by_name("int8");
  by_channel.weight_granularity = format::Granularity::channel;
  return {format::by_name("bf16"), by_channel, by_tensor};
}

GainTable gains_of(const char* objective, const graph::Partition& partition,
                   const std::vector<format::Format>& formats, std::vector<double> rates,
                   const std::optional<Times>& times = {}) {
  return objectives().at(objective).gains({partition, formats, std::move(rates), times});
}

GainTable macs(const graph::Partition& partition, std::vector<double> rates) {
  return gains_of("macs", partition, std::vector(rates.size(), format::by_name("bf16")), rates);
}

GainTable memory(const graph::Partition& partition, const std::vector<format::Format>& formats) {
  return gains_of("memory", partition, formats, {});
}

TEST(Macs, GainsTimeByRates) {
  const auto table = macs(partition(), {1, 2, 4});
  ASSERT_EQ(table.configurations[0].size(), 9u);
  ASSERT_EQ(table.configurations[1].size(), 3u);
  EXPECT_EQ(table.configurations[0][0], (Configuration{{0}, {0}}));
  EXPECT_EQ(table.gains[0],
            (std::vector<std::int64_t>{0, 1500, 2250, 500, 2000, 2750, 750, 2250, 3000}));
  EXPECT_EQ(table.gains[1], (std::vector<std::int64_t>{0, 250, 375}));
}

TEST(Macs, GainsNothingAtEqualRates) {
  for (const auto& gains : macs(partition(), {3, 3}).gains)
    for (const auto gain : gains) EXPECT_EQ(gain, 0);
}

TEST(Memory, CountsWeightsScalesAndSharedCopies) {
  const auto table = memory(partition(), formats());
  // a: 200 bytes become 100 and 10 scales of 4 bytes, or one scale; b has no weight.
  EXPECT_EQ(table.gains[0], (std::vector<std::int64_t>{0, 0, 0, 60, 60, 60, 96, 96, 96}));
  // The embedding keeps the head's bf16 copy, so an 8-bit one is bytes more.
  EXPECT_EQ(table.gains[1], (std::vector<std::int64_t>{0, -(50 + 5 * 4), -(50 + 4)}));
}

TEST(Memory, AFormatWithoutScalesNeedsNone) {
  auto high = format::by_name("bf16");
  high.bits = 32;
  const auto table = memory(partition(), {high, format::by_name("bf16")});
  EXPECT_EQ(table.gains[0], (std::vector<std::int64_t>{0, 0, 200, 200}));
}

TEST(Memory, FollowsTiesInItsConfigurations) {
  auto tied = partition();
  tied.subgraphs[0].ties = {{0, 1}};
  const auto table = memory(tied, formats());
  EXPECT_EQ(table.configurations[0],
            (std::vector<Configuration>{{{0}, {0}}, {{1}, {1}}, {{2}, {2}}}));
  EXPECT_EQ(table.gains[0], (std::vector<std::int64_t>{0, 60, 96}));
}

TEST(Time, IsTheMedianPairedDifferenceSharedOutAmongMembers) {
  const latency::Timings timings{{{1.0, 0.4}, {1.2, 0.7}, {0.9, 0.2}}, {}, {}};
  const Times times{measured({{{0}}, {{1}}}, timings, 3), {{{{0}}}, {{}}}};
  EXPECT_DOUBLE_EQ(times[0].savings[1].median, 0.6);
  EXPECT_DOUBLE_EQ(times[0].savings[1].low, 0.5);
  EXPECT_DOUBLE_EQ(times[0].savings[1].high, 0.7);
  EXPECT_DOUBLE_EQ(times[0].reference, 1.0);
  const auto table = gains_of("time", partition(), formats(), {}, times);
  EXPECT_EQ(table.gains[0], (std::vector<std::int64_t>{0, 200'000'000}));
  EXPECT_EQ(table.gains[1], (std::vector<std::int64_t>{0})) << "nothing was timed";
}

TEST(Time, IsDividedBeforeItIsRounded) {
  const TimeTable table{{{{0}}, {{1}}}, {{}, {1e-9, 0, 2e-9}}, 1, 3, "measured"};
  EXPECT_EQ(gains(table), (std::vector<std::int64_t>{0, 0}));
  const TimeTable five{{{{0}}, {{1}}}, {{}, {5e-9, 0, 9e-9}}, 1, 3, "measured"};
  EXPECT_EQ(gains(five), (std::vector<std::int64_t>{0, 2}));
}

TEST(Time, NeedsTimes) {
  EXPECT_ERROR(gains_of("time", partition(), formats(), {}), ErrorKind::config,
               "time is asked for, but nothing was timed");
}

TEST(Objectives, SayWhatTheWholeModelTakes) {
  const auto whole = [](const char* objective) {
    const std::optional<Times> no_times;
    return objectives().at(objective).whole({partition(), formats(), {2, 4, 4}, no_times});
  };
  EXPECT_EQ(whole("macs"), 4500 / 2.0);
  EXPECT_EQ(whole("memory"), 150 * 2.0);
  EXPECT_FALSE(whole("time"));
}

TEST(Total, AddsOverSubgraphs) {
  const auto table = macs(partition(), {1, 2});
  EXPECT_EQ(total(table, partition(), {{0}, {0}, {0}}), 0);
  EXPECT_EQ(total(table, partition(), {{1}, {0}, {1}}), 750);
  EXPECT_EQ(total(table, partition(), {{1}, {1}, {1}}), 2250);
}

TEST(Total, RefusesAConfigurationThatIsNotInTheTable) {
  const auto table = macs(partition(), {1, 2});
  EXPECT_ERROR(total(table, partition(), {{1}, {2}, {0}}), ErrorKind::internal, "{a,b}");
}

}  // namespace
}  // namespace gainsweep::gain
