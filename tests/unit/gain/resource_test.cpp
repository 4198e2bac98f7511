#include "gain/resource.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "unit/throws.hpp"

namespace gainsweep::gain {
namespace {

constexpr double never = std::numeric_limits<double>::infinity();

// {a, b} of 100 and 60 elements, and a head of 40 that an embedding reads too.
struct Model {
  graph::Partition partition;
  std::vector<format::Format> formats{format::by_name("bf16"), format::by_name("int8")};
  std::optional<Times> times;
  Counting counting = Counting::median;

  Model() {
    for (const auto& [path, elements] : {std::pair{"a", 100}, {"b", 60}, {"head", 40}})
      partition.ops.push_back({.path = path,
                               .weight_elements = elements,
                               .weight_channels = 4,
                               .weight_shared = path == std::string("head")});
    partition.subgraphs = {{{{0}, {1}}, {{0}, {1}}, {}, {0}, "{a,b}"},
                           {{{2}}, {{0}}, {}, {1}, "head"}};
    formats[1].weight.granularity = format::Granularity::tensor;
  }

  Facts facts() const { return {partition, formats, {1, 2}, times, counting}; }
  std::vector<std::vector<double>> charges(const char* resource) const {
    return resources().at(resource).charges(facts(), objectives().at("memory").gains(facts()));
  }
};

TEST(Bytes, AreThoseOfWeightsScalesAndSharedCopies) {
  const Model model;
  EXPECT_EQ(model.charges("bytes"), (std::vector<std::vector<double>>{
                                        {320, 200 + 64, 104 + 120, 104 + 64}, {80, 80 + 44}}));
  EXPECT_EQ(resources().at("bytes").limit(model.facts(), 300), 300);
}

TEST(Bits, AreAMeanOverAllWeights) {
  const Model model;
  const auto charges = model.charges("bits");
  EXPECT_DOUBLE_EQ(charges[0][0] + charges[1][0], 16);
  EXPECT_DOUBLE_EQ(charges[0][3], 8.0 * 168 / 200);
}

TEST(CardBytes, HoldWhatEveryPlanHas) {
  const Model model;
  EXPECT_EQ(model.charges("card_bytes"), model.charges("bytes"));
  auto facts = model.facts();
  facts.bytes_beside = 120;
  EXPECT_EQ(resources().at("card_bytes").limit(facts, 500), 380);
  EXPECT_EQ(resources().at("card_bytes").limit(facts, 100), -20);
}

TEST(Resources, AreSavedByAnObjective) {
  for (const auto& resource : resources())
    EXPECT_EQ(objectives().at(resource.objective).of_times, resource.of_times) << resource.name;
}

TEST(Seconds, AreCountedFromTheFastestConfiguration) {
  Model model;
  // {a, b} saves a fifth of a run at most in two members together; b alone and the head were not
  // timed low.
  model.times =
      Times{{{{{0}, {0}}, {{1}, {0}}, {{1}, {1}}}, {{}, {0.1, 0, 0.1}, {0.2, 0.1, 0.3}}, 10, 2},
            {{{{0}}}, {{}}}};
  EXPECT_EQ(model.charges("seconds"),
            (std::vector<std::vector<double>>{{1, never, 0.5, 0}, {0, never}}));
  // 10 s all-high, 9 s at the least.
  EXPECT_DOUBLE_EQ(resources().at("seconds").limit(model.facts(), 9.25), 0.25);
  EXPECT_DOUBLE_EQ(resources().at("seconds").limit(model.facts(), 8), -1);
  model.counting = Counting::lower;
  EXPECT_EQ(model.charges("seconds")[0], (std::vector<double>{0.5, never, 0.5, 0}));
}

TEST(Seconds, AreThoseOfTheQuietestBaseline) {
  Model model;
  model.times = Times{{{{{0}, {0}}, {{1}, {1}}}, {{}, {0.25, 0.2, 0.3}}, 30, 1},
                      {{{{0}}, {{1}}}, {{}, {0.25, 0.2, 0.3}}, 20, 1}};
  EXPECT_EQ(quietest_baseline(*model.times), 20);
  EXPECT_EQ(model.charges("seconds"),
            (std::vector<std::vector<double>>{{5, never, never, 0}, {5, 0}}));
  EXPECT_DOUBLE_EQ(resources().at("seconds").limit(model.facts(), 12), 2);
}

TEST(Seconds, NeedTimes) {
  Model model;
  const auto part = "seconds are limited, but nothing was timed";
  EXPECT_ERROR(model.charges("seconds"), ErrorKind::config, part);
  model.times = Times{{{{{0}, {0}}}, {{}}}, {{{{0}}}, {{}}}};
  EXPECT_ERROR(model.charges("seconds"), ErrorKind::config, part);
  model.times->front().reference = 1;
  EXPECT_NO_THROW(model.charges("seconds"));
}

TEST(Resources, AreRowsOfATable) {
  resources().add({"low_ops", "low ops", "1", "macs", false,
                   [](const Facts&, const GainTable& table) {
                     std::vector<std::vector<double>> charges;
                     for (const auto& configurations : table.configurations) {
                       charges.emplace_back();
                       for (const auto& configuration : configurations)
                         charges.back().push_back(static_cast<double>(
                             std::count(configuration.begin(), configuration.end(), FormatId{1})));
                     }
                     return charges;
                   },
                   [](const Facts&, double allowed) { return allowed; }});
  EXPECT_EQ(Model().charges("low_ops"), (std::vector<std::vector<double>>{{0, 1, 1, 2}, {0, 1}}));
}

}  // namespace
}  // namespace gainsweep::gain
