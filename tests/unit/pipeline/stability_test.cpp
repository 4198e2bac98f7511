#include "pipeline/stability.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "archive/field.hpp"
#include "base/quantile.hpp"
#include "sensitivity/loss_model.hpp"
#include "world.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;
using models::planning_, models::subject, models::World;

spec::Spec resampled(const Layout& layout, std::int64_t resamples) {
  auto spec = models::spec(layout);
  spec.solve.resamples = resamples;
  spec.solve.seed = 7;
  return spec;
}

/// What an enumeration of all 16 assignments finds on one resample.
struct Best {
  std::int64_t gain = 0;
  double cost = 0;
  graph::Assignment assignment;
};
Best enumerate(const Layout& layout, const Decision& decision, std::size_t objective,
               const std::vector<std::vector<double>>& d, double budget) {
  Best best{0, 0, graph::Assignment(5)};
  for (std::size_t bits = 0; bits < 16; ++bits) {
    const auto format = [&](std::size_t bit) { return FormatId{bits >> (3 - bit) & 1}; };
    const graph::Assignment plan{format(0), format(1), format(2), format(2), format(3)};
    const auto of = [&](std::size_t op) { return d[op][plan[op].index]; };
    const double cost = of(0) + of(1) + (of(2) + of(3)) + of(4);
    const auto gain = gain::total(decision.gains[objective], layout.partition, plan);
    if (cost > budget || gain < best.gain || (gain == best.gain && cost >= best.cost)) continue;
    best = {gain, cost, plan};
  }
  return best;
}

class Resampled : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, Resampled, ::testing::Range(1u, 5u));

TEST_P(Resampled, PlansAreWhatAnEnumerationFindsOnTheSameDraws) {
  const auto layout = models::small();
  const auto spec = resampled(layout, 20);
  const auto measured = models::scores(layout, GetParam());
  const auto decision = decide(layout, spec, measured);
  const auto terms =
      sensitivity::noises().at(spec.solve.noise).contributions(scores_of(layout, measured));
  const sensitivity::Resamples draws(3, 20, 7);
  const auto& model = sensitivity::loss_models().at(spec.solve.loss_model);
  std::set<graph::Assignment> distinct;
  for (const auto& block : resample_blocks(spec.solve)) {
    const auto fields = solve_block(layout, spec, block, decision);
    std::vector<std::int64_t> gains, low(spec.solve.thresholds.size() * 5);
    for (std::size_t t = 0; t < spec.solve.thresholds.size(); ++t)
      for (std::size_t i = 0; i < 10; ++i) {
        sensitivity::LossErrors errors{.d = std::vector(5, std::vector<double>(2)), .targets = 8};
        for (const auto place : draws.places(static_cast<std::size_t>(block.first) + i)) {
          for (std::size_t op = 0; op < 5; ++op) errors.d[op][1] += terms[place][op][1] / 3;
          errors.mean_square_loss += measured.scores[place].loss * measured.scores[place].loss / 3;
        }
        const auto best = enumerate(layout, decision, block.objective, errors.d,
                                    model.limit(errors, spec.solve.thresholds[t]));
        gains.push_back(best.gain);
        for (std::size_t op = 0; op < 5; ++op)
          low[t * 5 + op] += static_cast<std::int64_t>(best.assignment[op].index);
        distinct.insert(best.assignment);
      }
    EXPECT_EQ(integers(fields, "gain"), gains);
    EXPECT_EQ(integers(fields, "low"), low);
    const auto& solved = integers(fields, "is_solved");
    EXPECT_EQ(std::count(solved.begin(), solved.end(), 1), 60) << "high alone keeps every limit";
  }
  EXPECT_GT(distinct.size(), 4u) << "resamples should lead to several plans";
}

TEST(Stability, IsWhatTheBlocksComeTo) {
  const auto layout = models::small();
  const auto spec = resampled(layout, 30);
  const auto decision = decide(layout, spec, models::scores(layout));
  batch::Results results;
  std::map<std::size_t, std::vector<double>> gains;  // at the third threshold, by objective
  std::map<std::size_t, double> lowered;             // op 4 there
  for (const auto& block : resample_blocks(spec.solve)) {
    const auto named =
        ticket(spec, block, decision.digests[block.objective], decision.resampling->digest());
    if (block.first == 10) continue;  // as if its unit had failed
    auto fields = solve_block(layout, spec, block, decision);
    for (std::size_t i = 20; i < 30; ++i)
      gains[block.objective].push_back(static_cast<double>(integers(fields, "gain")[i]));
    lowered[block.objective] += static_cast<double>(integers(fields, "low")[2 * 5 + 4]);
    results.add(batch::record(named, std::move(fields)));
  }
  const auto tables = stability_tables(layout, spec, decision, results);
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0].path, "stability/macs");
  EXPECT_EQ(tables[1].path, "stability/memory");
  for (std::size_t o = 0; o < 2; ++o) {
    const auto& fields = tables[o].fields;
    EXPECT_EQ(integers(fields, "resamples"), std::vector<std::int64_t>(6, 20));
    EXPECT_EQ(reals(fields, "threshold"), spec.solve.thresholds);
    EXPECT_DOUBLE_EQ(reals(fields, "share")[2 * 5 + 4], lowered[o] / 20);
    std::sort(gains[o].begin(), gains[o].end());
    EXPECT_DOUBLE_EQ(reals(fields, "gain_low")[2], quantile(gains[o], 0.025));
    EXPECT_DOUBLE_EQ(reals(fields, "gain_median")[2], quantile(gains[o], 0.5));
    EXPECT_DOUBLE_EQ(reals(fields, "gain_high")[2], quantile(gains[o], 0.975));
  }
}

std::vector<std::string> keys(const Layout& layout, const spec::Spec& spec,
                              const Measured& measured) {
  const auto decision = decide(layout, spec, measured);
  std::vector<std::string> keys;
  for (const auto& block : resample_blocks(spec.solve))
    keys.push_back(
        ticket(spec, block, decision.digests[block.objective], decision.resampling->digest()).key);
  return keys;
}

TEST(Stability, MoreResamplesKeepTheFirstOnes) {
  const auto layout = models::small();
  const auto measured = models::scores(layout);
  auto few = resampled(layout, 10), many = resampled(layout, 40);
  few.solve.objectives = many.solve.objectives = {"macs"};
  const auto before = keys(layout, few, measured), after = keys(layout, many, measured);
  EXPECT_EQ(after.front(), before.front());
  EXPECT_EQ(std::set<std::string>(after.begin(), after.end()).size(), 4u);
  EXPECT_EQ(solve_block(layout, few, {0, 0}, decide(layout, few, measured)),
            solve_block(layout, many, {0, 0}, decide(layout, many, measured)));
}

TEST(Stability, FollowsFromEverySample) {
  const auto layout = models::small();
  auto spec = resampled(layout, 10);
  const auto measured = models::scores(layout);
  const auto before = keys(layout, spec, measured);
  auto swapped = measured;  // the same means
  std::swap(swapped.scores[0], swapped.scores[1]);
  EXPECT_NE(keys(layout, spec, swapped), before);
  for (const auto change : std::vector<void (*)(spec::Spec&)>{
           [](spec::Spec& of) { of.solve.seed = 8; },
           [](spec::Spec& of) { of.solve.thresholds.pop_back(); },
           [](spec::Spec& of) { of.solve.loss_model = "first_order"; }}) {
    auto other = spec;
    change(other);
    EXPECT_NE(keys(layout, other, measured), before);
  }
}

TEST(Stability, LeavesOutResamplesWithoutAPlan) {
  const auto layout = models::small();
  auto spec = resampled(layout, 10);
  spec.solve.strategies = {"ip"};
  spec.solve.constraints = {{"bytes", 700}};  // all-high takes 1,200
  const auto decision = decide(layout, spec, models::scores(layout));
  const auto fields = solve_block(layout, spec, {0, 0}, decision);
  const auto& solved = integers(fields, "is_solved");
  EXPECT_EQ(std::count(solved.begin(), solved.begin() + 10, 0), 10) << "nothing may be low";
  EXPECT_EQ(std::count(solved.end() - 10, solved.end(), 1), 10);
  batch::Results results;
  results.add(batch::record(
      ticket(spec, {0, 0}, decision.digests[0], decision.resampling->digest()), fields));
  const auto tables = stability_tables(layout, spec, decision, results);
  EXPECT_EQ(integers(tables[0].fields, "resamples").front(), 0);
  EXPECT_TRUE(std::isnan(reals(tables[0].fields, "gain_median").front()));
}

TEST(Stability, IsPartOfPlanning) {
  auto about = subject();
  about.spec.solve.resamples = 20;
  World world(about), without(subject());
  EXPECT_EQ(world.call(planning_).units.size(), without.call(planning_).units.size() + 4)
      << "two blocks of two objectives, forecast";
  world.finish_all();
  without.finish_all();
  EXPECT_EQ(world.call(planning_).units.size(), without.call(planning_).units.size() + 4);
  std::map<std::string, archive::Nature> natures;
  for (const auto& table : batch::tables(world.experiment, world.results))
    natures[table.path] = table.nature;
  for (const auto* path : {"resamples/", "stability/"}) {
    EXPECT_EQ(natures.at(path + std::string("time")), archive::Nature::measured);
    EXPECT_EQ(natures.at(path + std::string("macs")), archive::Nature::deterministic);
  }
}

}  // namespace
}  // namespace gainsweep::pipeline
