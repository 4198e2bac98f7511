#include "latency/measure.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

namespace gainsweep::latency {
namespace {

StoppingRule lenient() {
  StoppingRule rule;
  rule.warmup = 2;
  rule.repetitions = 40;
  rule.least_repetitions = 6;
  rule.precision = 0.02;
  rule.budget_seconds = 1e9;
  return rule;
}

// `blocks` blocks of a baseline of 1 s and one configuration that saves 0.1 s ± spread.
Timings steady(std::int64_t blocks, double spread) {
  Timings timings;
  for (std::int64_t b = 0; b < blocks; ++b)
    timings.seconds.push_back({1, 0.9 + (b % 2 == 0 ? spread : -spread)});
  return timings;
}

TEST(Finished, StopsWhenEveryIntervalIsNarrow) {
  EXPECT_TRUE(finished(steady(6, 0.009), lenient()));
  EXPECT_FALSE(finished(steady(6, 0.011), lenient()));
  auto timings = steady(6, 0.001);
  // One wide configuration keeps all going.
  for (std::size_t b = 0; b < timings.seconds.size(); ++b)
    timings.seconds[b].push_back(b % 2 == 0 ? 0.5 : 1.5);
  EXPECT_FALSE(finished(timings, lenient()));
}

TEST(Finished, NeedsTheLeastRepetitions) {
  EXPECT_FALSE(finished({}, lenient()));
  EXPECT_FALSE(finished(steady(5, 0), lenient()));
  EXPECT_TRUE(finished(steady(6, 0), lenient()));
}

TEST(Finished, StopsAtMostRepetitionsHoweverWide) {
  EXPECT_FALSE(finished(steady(39, 0.5), lenient()));
  EXPECT_TRUE(finished(steady(40, 0.5), lenient()));
}

TEST(Finished, StopsWhenTheBudgetIsSpent) {
  auto spec = lenient();
  spec.budget_seconds = 5.6;
  EXPECT_FALSE(finished(steady(2, 0), spec)) << "3.8 s are spent";
  EXPECT_TRUE(finished(steady(3, 0), spec)) << "5.7 s are spent";
}

TEST(Finished, CountsTheWholeModelAmongWhatIsSpent) {
  auto rule = lenient();
  rule.budget_seconds = 5.6;
  auto timings = steady(2, 0);
  timings.whole = {4, 4};
  timings.pieces = {1, 1};
  EXPECT_TRUE(finished(timings, rule)) << "3.8 s and 2 s are spent";
}

TEST(MayGoOn, WhereRoundsAreWideAndTimeIsLeft) {
  auto rule = lenient();
  EXPECT_TRUE(may_go_on(steady(40, 0.5), rule));
  EXPECT_FALSE(may_go_on(steady(40, 0.001), rule)) << "they are precise";
  rule.budget_seconds = 70;
  EXPECT_FALSE(may_go_on(steady(40, 0.5), rule)) << "76 s are spent";
}

TEST(IsPrecise, NeedsTheLeastRepetitions) {
  EXPECT_FALSE(is_precise(steady(5, 0), lenient()));
  EXPECT_TRUE(is_precise(steady(6, 0), lenient()));
  EXPECT_FALSE(is_precise(steady(40, 0.5), lenient()));
}

/// A checkpoint of one unused tensor and programs that double a number: the least that has a time.
class Contests : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() /
              ("gainsweep_latency_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    std::string header = R"({"unused":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = header.size();
    std::ofstream file(folder_ / "model.safetensors", std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file << header << std::string(4, '\0');
    file.close();
    execute::start(execute::devices().at("cpu"), 1);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }

  Contests()
      : parameters_(stored(), execute::devices().at("cpu"), execute::Precision::fp32),
        inputs_(execute::make_inputs(
            doubling(), {.inputs = {{"tokens", {{1, 4}, std::vector<std::int64_t>{0, 1, 2, 3}}}}},
            {}, execute::devices().at("cpu"))) {}

  static model::Model stored() {
    model::Model model;
    model.parameters = std::make_shared<const model::Checkpoint>(model::Checkpoint::open(folder_));
    return model;
  }

  static graph::Graph doubling() {
    graph::Graph graph;
    const auto tokens = graph.add_input("tokens", graph::ElementType::index, {1, 4});
    graph.outputs = {graph.add_node("aten::add.Tensor", {tokens, tokens}, {1, 4}, "double",
                                    graph::ElementType::index)};
    return graph;
  }

  Contest contest(std::size_t programs) {
    Contest contest;
    for (std::size_t i = 0; i < programs; ++i) {
      contest.programs.emplace_back(doubling(), parameters_);
      contest.inputs.push_back(&inputs_);
    }
    return contest;
  }

 private:
  static inline std::filesystem::path folder_;
  execute::Parameters parameters_;
  execute::Inputs inputs_;
};

TEST_F(Contests, EachBlockTimesEachProgramOnce) {
  auto five = contest(5);
  const auto timings = measure(five, 12, 3, 0);
  ASSERT_EQ(timings.seconds.size(), 12u);
  ASSERT_EQ(timings.order.size(), 12u);
  std::set<std::vector<std::int64_t>> orders;
  for (std::size_t b = 0; b < 12; ++b) {
    ASSERT_EQ(timings.seconds[b].size(), 5u);
    EXPECT_TRUE(std::all_of(timings.seconds[b].begin(), timings.seconds[b].end(),
                            [](double s) { return s > 0; }));
    auto sorted = timings.order[b];
    orders.insert(sorted);
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  }
  EXPECT_GT(orders.size(), 6u) << "blocks should have orders of their own";
}

TEST_F(Contests, TheWholeModelIsTimedInEachBlock) {
  auto three = contest(3), pieces = contest(2);
  for (std::size_t i = 0; i < 2; ++i)
    three.whole.push_back({std::move(pieces.programs[i]), pieces.inputs[i], 1000 * i});
  three.interlude.emplace(execute::devices().at("cpu"), 1000);
  const auto timings = measure(three, 5, 3, 0);
  ASSERT_EQ(timings.whole.size(), 5u);
  std::vector<double> longer;
  for (std::size_t b = 0; b < 5; ++b) {
    EXPECT_EQ(timings.seconds[b].size(), 3u);
    EXPECT_EQ(timings.order[b].size(), 4u);
    longer.push_back(timings.whole[b] / timings.seconds[b][0]);
  }
  std::sort(longer.begin(), longer.end());
  EXPECT_GT(longer[2], 50) << "a piece that stands for a thousand counts as often";
}

TEST_F(Contests, TheCardIsAskedBeforeAndAfterEachBlock) {
  auto two = contest(2);
  EXPECT_TRUE(measure(two, 3, 3, 0).cards.empty()) << "nobody tells";
  double asked = 0;
  two.card = [&asked] {
    execute::CardState state;
    state.clock_hz = ++asked;
    if (asked == 4) state.held_back_by = {"power"};
    return state;
  };
  const auto timings = measure(two, 3, 3, 0);
  ASSERT_EQ(timings.cards.size(), 3u);
  for (std::size_t b = 0; b < 3; ++b) {
    EXPECT_EQ(timings.cards[b].before.clock_hz, 2 * static_cast<double>(b) + 1);
    EXPECT_EQ(timings.cards[b].after.clock_hz, 2 * static_cast<double>(b) + 2);
    EXPECT_EQ(timings.cards[b].is_held_back(), b == 1) << "after the second block";
  }
  EXPECT_EQ(timings.seconds.size(), 3u) << "such a block counts like the others";
}

TEST_F(Contests, TheOrderFollowsFromSeedAndRoundAlone) {
  auto four = contest(4), again = contest(4);
  const auto order = measure(four, 8, 3, 1).order;
  EXPECT_EQ(measure(again, 8, 3, 1).order, order);
  EXPECT_NE(measure(again, 8, 4, 1).order, order);
  EXPECT_NE(measure(again, 8, 3, 2).order, order);
}

TEST_F(Contests, WarmUpRunsTheBaselineWithinItsBounds) {
  auto two = contest(2);
  for (const std::int64_t least : {1, 4}) {
    auto spec = lenient();
    spec.warmup = least;
    const auto runs = warm_up(two, spec);
    EXPECT_GE(runs.size(), static_cast<std::size_t>(least));
    EXPECT_LE(runs.size(), static_cast<std::size_t>(20 * least));
  }
}

}  // namespace
}  // namespace gainsweep::latency
