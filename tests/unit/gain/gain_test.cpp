#include "gain/gain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

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
    all.ops.push_back({.path = path,
                       .macs = macs,
                       .weight_elements = elements,
                       .weight_channels = channels,
                       .weight_shared = shared});
  };
  op("a", 1000, 100, 10, false);
  op("b", 3000, 0, 0, false);
  op("head", 500, 50, 5, true);
  all.subgraphs = {{{{0}, {1}}, {{0}, {1}}, {}, {0}, "{a,b}"}, {{{2}}, {{0}}, {}, {1}, "head"}};
  all.classes = {{{0}}, {{1}}};
  return all;
}

std::vector<format::Format> formats() {
  auto by_tensor = format::by_name("fp8_e4m3");
  by_tensor.weight.granularity = format::Granularity::tensor;
  auto by_channel = format::by_name("int8");
  by_channel.weight.granularity = format::Granularity::channel;
  return {format::by_name("bf16"), by_channel, by_tensor};
}

GainTable gains_of(const char* objective, const graph::Partition& partition,
                   const std::vector<format::Format>& formats, std::vector<double> rates,
                   const std::optional<Times>& times = {}, Counting counting = Counting::median) {
  return objectives().at(objective).gains({partition, formats, std::move(rates), times, counting});
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
  high.weight.bits = 32;
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

TEST(Time, IsTheMedianPartOfARunSharedOutAmongMembers) {
  const latency::Timings timings{{{1.0, 0.4}, {2.0, 1.0}, {0.5, 0.15}}, {}, {}};
  const Times times{measured({{{0}}, {{1}}}, timings, 3, 0.95, 1), {{{{0}}}, {{}}}};
  EXPECT_DOUBLE_EQ(times[0].savings[1].median, 0.6);
  EXPECT_DOUBLE_EQ(times[0].savings[1].low, 0.5);
  EXPECT_DOUBLE_EQ(times[0].savings[1].high, 0.7);
  EXPECT_DOUBLE_EQ(times[0].reference, 1.0);
  const auto table = gains_of("time", partition(), formats(), {}, times);
  EXPECT_EQ(table.gains[0], (std::vector<std::int64_t>{0, 200'000'000}));
  EXPECT_EQ(table.gains[1], (std::vector<std::int64_t>{0})) << "nothing was timed";
  const auto lower = gains_of("time", partition(), formats(), {}, times, Counting::lower);
  EXPECT_EQ(lower.gains[0], (std::vector<std::int64_t>{0, 166'666'667}));
}

TEST(Time, IsDividedBeforeItIsRounded) {
  const TimeTable table{{{{0}}, {{1}}}, {{}, {1e-9, 0, 2e-9}}, 1, 3};
  EXPECT_EQ(gains(table, Counting::median), (std::vector<std::int64_t>{0, 0}));
  const TimeTable five{{{{0}}, {{1}}}, {{}, {5e-9, 0, 9e-9}}, 1, 3};
  EXPECT_EQ(gains(five, Counting::median), (std::vector<std::int64_t>{0, 2}));
}

TEST(Counted, IsTheLowerEndOrNothingWhereTheIntervalCoversZero) {
  const auto lower = [](double low, double high) {
    return counted({(low + high) / 2, low, high}, Counting::lower);
  };
  EXPECT_EQ(lower(1, 3), 1);
  EXPECT_EQ(lower(-1, 3), 0);
  EXPECT_EQ(lower(-3, 1), 0);
  EXPECT_EQ(lower(0, 2), 0);
  EXPECT_EQ(lower(-2, 0), 0);
  EXPECT_EQ(lower(-3, -1), -3) << "what it may cost";
  EXPECT_EQ(counted({2, -1, 3}, Counting::median), 2);
}

// The winner's curse: the best of many configurations that save nothing.
TEST(Counted, OfNoiseIsNothingMostly) {
  std::mt19937 random(11);
  std::normal_distribution<double> noise(0, 0.1);
  std::vector<graph::Configuration> configurations(40, {{0}});
  latency::Timings timings;
  for (int block = 0; block < 40; ++block) {
    timings.seconds.emplace_back();
    for (std::size_t c = 0; c < configurations.size(); ++c)
      timings.seconds.back().push_back(1 + noise(random));
  }
  const auto table = measured(configurations, timings, 1, 0.95, 0);
  const auto best = [&](Counting counting) {
    const auto all = gains(table, counting);
    return *std::max_element(all.begin(), all.end());
  };
  EXPECT_GT(best(Counting::median), 20'000'000) << "2 % of a run, out of nothing";
  EXPECT_LT(best(Counting::lower), best(Counting::median) / 4);
}

// Of three sub-graphs the first two were timed together.
struct Timed {
  graph::Partition partition;
  Times times;

  explicit Timed(int blocks, double factor = 1) {
    partition.ops.resize(3);
    partition.subgraphs = {
        {{{0}}, {{0}}, {}, {0}, "a"}, {{{1}}, {{0}}, {}, {0}, "b"}, {{{2}}, {{0}}, {}, {1}, "c"}};
    std::mt19937 random(5);
    std::uniform_real_distribution<double> any(0.8, 1);
    latency::Timings first, second;
    for (int block = 0; block < blocks; ++block) {
      const double speed = factor * any(random);
      first.seconds.push_back({speed, speed * any(random)});
      second.seconds.push_back({speed, speed * any(random)});
    }
    times.assign(2, measured({{{0}}, {{1}}}, first, 2, 0.95, 1));
    times.push_back(measured({{{0}}, {{1}}}, second, 1, 0.95, 2));
  }

  std::optional<Saving> of(const graph::Assignment& assignment) const {
    return saving(times, partition, assignment, 0.95);
  }
};

TEST(Saving, IsTheSumOfMediansWithAnIntervalAroundIt) {
  const Timed timed(31);
  const auto all = timed.of({{1}, {1}, {1}}).value();
  EXPECT_DOUBLE_EQ(all.median, timed.times[0].savings[1].median + timed.times[2].savings[1].median);
  EXPECT_LT(all.low, all.median);
  EXPECT_GT(all.high, all.median);
  const auto none = timed.of({{0}, {0}, {0}}).value();
  EXPECT_EQ(none.median, 0);
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 0);
}

TEST(Saving, OfSubgraphsTimedTogetherHasTheIntervalOfTheirContest) {
  const Timed timed(31);
  const auto one = timed.of({{1}, {0}, {0}}).value(), both = timed.of({{1}, {1}, {0}}).value();
  EXPECT_DOUBLE_EQ(both.low, 2 * one.low) << "their blocks are the same: nothing averages out";
  EXPECT_DOUBLE_EQ(both.high, 2 * one.high);
}

TEST(Saving, DoesNotFollowTheSpeedOfTheMachine) {
  const auto quick = Timed(31).of({{1}, {0}, {1}}).value(),
             slow = Timed(31, 7).of({{1}, {0}, {1}}).value();
  EXPECT_NEAR(quick.median, slow.median, 1e-12);
  EXPECT_NEAR(quick.low, slow.low, 1e-12);
  EXPECT_NEAR(quick.high, slow.high, 1e-12);
}

TEST(Saving, NeedsEveryConfiguration) {
  EXPECT_FALSE(Timed(5).of({{1}, {2}, {0}}));
}

TEST(Saving, WithoutBlocksHasNoSpread) {
  Timed timed(5);
  for (auto& table : timed.times) table.resampled = nullptr;
  const auto all = timed.of({{1}, {1}, {1}}).value();
  EXPECT_DOUBLE_EQ(all.low, all.median);
  EXPECT_DOUBLE_EQ(all.high, all.median);
}

// Two sub-graphs that save 3 and 1 of 10 s in one case, 2 and 4 of 20 s in the other.
TEST(Stated, SavesPartsOfEachCasesRun) {
  graph::Partition partition;
  partition.ops.resize(2);
  partition.subgraphs = {{{{0}}, {{0}}, {}, {0}, "a"}, {{{1}}, {{0}}, {}, {1}, "b"}};
  const auto table = [](double one, double other) {
    return stated({{{0}}, {{1}}}, {{5, 8}, {5 - one, 8 - other}}, {10, 20}, {0.5, 0.5}, "modelled");
  };
  const Times times{table(3, 2), table(1, 4)};
  EXPECT_EQ(times[0].source, "modelled");
  EXPECT_EQ(quietest_baseline(times), 15);
  EXPECT_DOUBLE_EQ(times[0].savings[1].median, 0.2);
  EXPECT_DOUBLE_EQ(times[0].savings[1].low, 0.1);
  EXPECT_DOUBLE_EQ(times[0].savings[1].high, 0.3);
  EXPECT_EQ(gains(times[0], Counting::lower), (std::vector<std::int64_t>{0, 100000000}));
  const auto both = saving(times, partition, {{1}, {1}}, 0.95).value();
  EXPECT_DOUBLE_EQ(both.median, 0.35);
  EXPECT_DOUBLE_EQ(both.low, 0.3) << "of a case, not of each table";
  EXPECT_DOUBLE_EQ(both.high, 0.4);
  const auto none = saving(times, partition, {{0}, {0}}, 0.95).value();
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 0);
}

// The bootstrap's interval covers the truth about as often as it says.
TEST(Saving, CoversTheTruth) {
  std::mt19937 random(17);
  std::normal_distribution<double> noise(0, 0.05);
  graph::Partition partition;
  partition.ops.resize(1);
  partition.subgraphs = {{{{0}}, {{0}}, {}, {0}, "a"}};
  int covered = 0;
  constexpr int trials = 300;
  for (int trial = 0; trial < trials; ++trial) {
    latency::Timings timings;
    for (int block = 0; block < 40; ++block) timings.seconds.push_back({1, 0.8 + noise(random)});
    const Times times{measured({{{0}}, {{1}}}, timings, 1, 0.95, 0)};
    const auto found = saving(times, partition, {{1}}, 0.95).value();
    covered += found.low <= 0.2 && 0.2 <= found.high ? 1 : 0;
  }
  EXPECT_GT(covered, 0.9 * trials);
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
  EXPECT_EQ(whole("time"), 1e9);
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
