// Strategies that measure, on a model of plans that a test knows everything of.

#include "solve/strategy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "solve/ladder.hpp"
#include "solve/score.hpp"
#include "unit/throws.hpp"

namespace gainsweep::solve {
namespace {

constexpr std::size_t mild = 1, harsh = 2;

/// Effects of ops add up; every sample has its own part of them.
class World : public Asking {
 public:
  /// `effects` are the mean divergences of each op in the mild and the harsh format.
  explicit World(std::vector<std::vector<double>> effects, std::size_t samples = 8)
      : effects_(std::move(effects)), samples_(samples) {
    for (const auto& own : effects_) {
      auto& formats = numbers.ops.emplace_back();
      for (std::size_t f = 0; f < own.size(); ++f)
        formats.push_back({f + 1, {2 * own[f]}, f + 1 == mild ? 64.0 : 16.0});
    }
  }

  double effect(const Formats& plan) const {
    double sum = 0;
    for (std::size_t op = 0; op < plan.size(); ++op)
      if (plan[op] > 0) sum += effects_[op][plan[op] - 1];
    return sum;
  }

  std::optional<Program> program(double) override { return std::nullopt; }

  /// Lowers what costs least first: with equal gains that is exact.
  std::optional<Program> program(const Scores& scores, double limit) override {
    ++programs;
    Formats plan(scores.size(), 0);
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t op = 0; op < scores.size(); ++op)
      if (!scores[op].empty()) order.emplace_back(scores[op].front(), op);
    std::sort(order.begin(), order.end());
    double sum = 0;
    for (const auto& [score, op] : order) {
      if (sum + score > limit) break;
      sum += score;
      plan[op] = mild;
    }
    return Program{plan, Certificate{}};
  }

  /// Of all plans that lower enough ops to the mild format the one of the least sum.
  std::optional<Program> program(const Scores& scores, const std::vector<Interaction>& interactions,
                                 double part) override {
    ++programs;
    const auto ops = scores.size();
    std::optional<double> best;
    Formats plan;
    for (std::size_t mask = 0; mask < (std::size_t{1} << ops); ++mask) {
      Formats other(ops, 0);
      for (std::size_t op = 0; op < ops; ++op)
        if ((mask >> op & 1) != 0) other[op] = mild;
      if (static_cast<double>(std::popcount(mask)) < part * static_cast<double>(ops)) continue;
      double sum = 0;
      for (std::size_t op = 0; op < ops; ++op)
        if (other[op] == mild) sum += scores[op].front();
      for (const auto& pair : interactions)
        if (pair.place == 0 && pair.other_place == 0 && other[pair.op] == mild &&
            other[pair.other] == mild)
          sum += pair.score;
      if (best && sum >= *best) continue;
      best = sum;
      plan = other;
    }
    return Program{plan, Certificate{}};
  }

  std::optional<std::vector<Quality>> qualities(const std::vector<Formats>& plans) override {
    std::vector<Quality> found;
    for (const auto& plan : plans) {
      if (!know(plan)) continue;
      const auto special = qualities_of.find(plan);
      found.push_back({special == qualities_of.end() ? effect(plan) : special->second});
    }
    if (found.size() < plans.size()) return std::nullopt;
    return found;
  }

  std::optional<std::vector<Change>> changes(const std::vector<Formats>& plans) override {
    std::vector<Change> found;
    for (const auto& plan : plans) {
      if (!know(plan)) continue;
      auto& change = found.emplace_back();
      for (std::size_t i = 0; i < samples_; ++i) {
        const double own = effect(plan) * (1 + 0.1 * std::sin(static_cast<double>(i)));
        change.loss.push_back(i % 2 == 0 ? own : -own);
        change.divergence.push_back(own);
        change.noise.push_back(own);
      }
    }
    if (found.size() < plans.size()) return std::nullopt;
    return found;
  }

  bool know(const Formats& plan) {
    asked.insert(plan);
    return known == nullptr || known->count(plan) > 0;
  }

  Numbers numbers;
  std::set<Formats> asked;
  const std::set<Formats>* known = nullptr;  ///< what has been measured; null: everything
  std::map<Formats, double> qualities_of;    ///< where they are not the sum of effects
  std::size_t programs = 0;

 private:
  std::vector<std::vector<double>> effects_;
  std::size_t samples_;
};

std::vector<std::vector<double>> random_effects(std::size_t ops, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> draw(0.01, 1);
  std::vector<std::vector<double>> effects;
  for (std::size_t op = 0; op < ops; ++op) {
    const double own = draw(engine);
    effects.push_back({own, own * (2 + draw(engine))});
  }
  return effects;
}

std::optional<Answer> answer(const std::string& strategy, double threshold, World& world) {
  return strategies().at(strategy).next(world.numbers, threshold, world);
}

TEST(Singles, LowerEachOpAloneInEachFormat) {
  const World world({{0.1, 0.2}, {}, {0.3}});
  EXPECT_EQ(singles(world.numbers.ops), (std::vector<Formats>{{1, 0, 0}, {2, 0, 0}, {0, 0, 1}}));
}

TEST(Scores, AreMeansOverSamples) {
  World world({{0.1, 0.4}, {0.2}}, 1);
  const auto kl = scores().at("single_kl").of(world.numbers, world);
  ASSERT_TRUE(kl);
  EXPECT_EQ(kl->scores, (Scores{{0.1, 0.4}, {0.2}}));
  EXPECT_TRUE(std::isnan(*kl->reliability)) << "one sample has no halves";
  const auto sqnr = scores().at("sqnr").of(world.numbers, world);
  EXPECT_NEAR(sqnr->scores[0][0], -10, 1e-12) << "a tenth is 10 dB down";
  const auto first = scores().at("first_order").of(world.numbers, world);
  EXPECT_EQ(first->scores, (Scores{{0.2, 0.8}, {0.4}}));
}

TEST(Scores, OfTheLossAreNeverNegative) {
  class Falling : public World {
   public:
    using World::World;
    std::optional<std::vector<Change>> changes(const std::vector<Formats>& plans) override {
      auto found = World::changes(plans);
      for (auto& change : *found)
        for (auto& loss : change.loss) loss = -1;
      return found;
    }
  };
  Falling world(Scores{{0.1}, {0.2}});
  EXPECT_EQ(scores().at("single_loss").of(world.numbers, world)->scores, (Scores{{0}, {0}}));
}

TEST(Scores, TellWhetherHalvesOfTheSamplesAgree) {
  World world(random_effects(12, 1));
  EXPECT_NEAR(*scores().at("single_kl").of(world.numbers, world)->reliability, 1, 1e-12);
  EXPECT_NEAR(*scores().at("single_loss").of(world.numbers, world)->reliability, -1, 1e-12)
      << "even samples rise by what odd ones fall";
  World equal(Scores{{0.1}, {0.1}});
  EXPECT_TRUE(std::isnan(*scores().at("single_kl").of(equal.numbers, equal)->reliability));
}

TEST(Scores, OfPredictionsNeedClassScores) {
  class Silent : public World {
   public:
    using World::World;
    std::optional<std::vector<Change>> changes(const std::vector<Formats>& plans) override {
      auto found = World::changes(plans);
      for (auto& change : *found) change.divergence = change.noise = {};
      return found;
    }
  };
  Silent world(Scores{{0.1}, {0.2}});
  EXPECT_TRUE(scores().at("single_loss").of(world.numbers, world));
  for (const auto* name : {"single_kl", "sqnr"})
    EXPECT_THAT([&] { scores().at(name).of(world.numbers, world); },
                throws(ErrorKind::config, "the model gives no class scores"));
}

TEST(Scores, SortWhatChangesNothingFirst) {
  World world({{0.5}, {0.0}, {0.2}});
  const auto sqnr = scores().at("sqnr").of(world.numbers, world);
  EXPECT_EQ(sqnr->scores[1][0], -std::numeric_limits<double>::infinity());
  const auto found = answer("amp", 0.3, world);
  EXPECT_EQ(found->plans, (std::vector<Formats>{{0, 1, 1}}));
}

TEST(Scores, OfPairsAreWhatNeitherOpDoesAlone) {
  class Interacting : public World {
   public:
    using World::World;
    std::optional<std::vector<Change>> changes(const std::vector<Formats>& plans) override {
      auto found = World::changes(plans);
      for (std::size_t p = 0; p < plans.size(); ++p)
        for (std::size_t i = 0; i < (*found)[p].loss.size(); ++i) {
          auto& loss = (*found)[p].loss[i];
          const double noise = i % 2 == 0 ? 1e-3 : -1e-3;
          loss = effect(plans[p]);
          // Ops 0 and 2 help each other; what 0 and 1 do together is noise.
          if (plans[p][0] > 0 && plans[p][2] > 0) loss -= 0.05 + noise;
          if (plans[p][0] > 0 && plans[p][1] > 0) loss += noise;
        }
      return found;
    }
  };
  Interacting world(Scores{{0.1}, {0.2}, {0.3}});
  const auto scored = scores().at("pair_loss").of(world.numbers, world);
  ASSERT_TRUE(scored);
  ASSERT_EQ(scored->interactions.size(), 1U) << "within two standard errors of 0 nothing is told";
  EXPECT_EQ(scored->interactions[0].op, 0U);
  EXPECT_EQ(scored->interactions[0].other, 2U);
  EXPECT_NEAR(scored->interactions[0].score, -0.05, 1e-12);
  EXPECT_EQ(world.asked.size(), 6U);
  EXPECT_EQ(scores().at("pair_loss").measured(world.numbers.ops), 6U);
  EXPECT_EQ(pairs(world.numbers.ops).size(), 3U);
  for (const World& other : {World(random_effects(9, 1)), World({{0.1}, {}, {0.2, 0.3}})})
    EXPECT_EQ(scores().at("pair_loss").measured(other.numbers.ops),
              singles(other.numbers.ops).size() + pairs(other.numbers.ops).size());
}

TEST(Clado, TakesTheLastPlanThatHolds) {
  World world(random_effects(6, 4));
  const auto found = answer("clado", 1.2, world);
  ASSERT_TRUE(found && found->reliability);
  EXPECT_LE(world.effect(found->plans.front()), 1.2);
}

TEST(Order, LeavesOutFormatsOfMoreBits) {
  // The harsh format of op 0 comes before the mild one of op 1; back to mild it never goes.
  World world({{0.3, 0.1}, {0.2, 0.9}});
  const auto scored = scores().at("single_kl").of(world.numbers, world);
  const auto ladder = selections().at("order").ladder(world.numbers, *scored, world);
  ASSERT_EQ(ladder.steps, 3U);
  EXPECT_EQ(ladder.plan(1)->formats, (Formats{harsh, 0}));
  EXPECT_EQ(ladder.plan(2)->formats, (Formats{harsh, mild}));
  EXPECT_EQ(ladder.plan(3)->formats, (Formats{harsh, harsh}));
}

TEST(Order, KeepsTheIrOrderOfEqualScores) {
  World world({{0.1}, {0.1}, {0.1}});
  const Scored scored{{{0.1}, {0.1}, {0.1}}};
  const auto ladder = selections().at("order").ladder(world.numbers, scored, world);
  EXPECT_EQ(ladder.plan(1)->formats, (Formats{1, 0, 0}));
  EXPECT_EQ(ladder.plan(2)->formats, (Formats{1, 1, 0}));
}

TEST(Amp, TakesTheLongestOrderThatHolds) {
  for (unsigned seed = 0; seed < 20; ++seed)
    for (const double threshold : {0.0, 0.5, 2.0, 5.0, 1e9}) {
      World world(random_effects(9, seed));
      const auto found = answer("amp", threshold, world);
      ASSERT_TRUE(found);
      const auto scored = scores().at("sqnr").of(world.numbers, world);
      const auto ladder = selections().at("order").ladder(world.numbers, *scored, world);
      Formats longest(9, 0);
      for (std::size_t step = 1; step <= ladder.steps; ++step) {
        const auto plan = ladder.plan(step)->formats;
        if (world.effect(plan) <= threshold) longest = plan;
      }
      EXPECT_EQ(found->plans.front(), longest) << seed << " under " << threshold;
    }
}

TEST(Bisection, NeverTakesAPlanThatWasNotMeasured) {
  World world({{0.1}, {0.2}, {0.3}, {0.4}});
  world.qualities_of[{1, 1, 0, 0}] = 9;  // quality need not rise
  const auto found = answer("amp", 0.7, world);
  EXPECT_EQ(found->plans.front(), (Formats{1, 0, 0, 0}));
  EXPECT_GT(world.asked.count(found->plans.front()), 0U);
}

TEST(Bisection, VerifiesStepsBeyondThePlan) {
  World world({{0.1}, {0.2}, {0.3}, {0.4}});
  world.qualities_of[{1, 1, 0, 0}] = 9;  // which holds again with the next op
  world.numbers.verify = 2;
  const auto found = answer("amp", 0.7, world);
  EXPECT_EQ(found->plans.front(), (Formats{1, 1, 1, 0}));
  ASSERT_TRUE(found->quality);
  EXPECT_NEAR(found->quality->value, 0.6, 1e-12);
  EXPECT_LE(world.asked.size(), strategies().at("amp").most_asked(world.numbers).qualities);
}

TEST(Bisection, IsWithinWhatIsForetold) {
  for (const std::string name : {"amp", "clado", "single_kl", "single_loss", "ip_measured"})
    for (std::size_t ops = 1; ops < 12; ++ops)
      for (const double threshold : {0.0, 0.3, 3.0, 1e9}) {
        World world(random_effects(ops, 3));
        ASSERT_TRUE(answer(name, threshold, world));
        const auto most = strategies().at(name).most_asked(world.numbers);
        EXPECT_LE(world.asked.size(), most.qualities) << name;
        EXPECT_LE(world.programs, most.programs) << name;
      }
}

TEST(Measured, AsksForAllSinglesSideBySide) {
  World world({{0.1, 0.2}, {0.3, 0.5}});
  const std::set<Formats> nothing;
  world.known = &nothing;
  EXPECT_FALSE(answer("single_kl", 1, world));
  EXPECT_EQ(world.asked.size(), 4U);
}

TEST(Measured, ComesToTheSamePlanHoweverAnswersArrive) {
  World whole(random_effects(7, 5));
  const auto expected = answer("single_kl", 1.5, whole)->plans;
  World world(random_effects(7, 5));
  std::set<Formats> known;
  world.known = &known;
  std::optional<Answer> found;
  for (int call = 0; call < 200 && !found; ++call) {
    found = answer("single_kl", 1.5, world);
    for (const auto& plan : world.asked)
      if (known.insert(plan).second) break;  // one more is measured
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(found->plans, expected);
}

TEST(ExactOnScores, HoldsMeasured) {
  for (const double threshold : {0.05, 0.4, 2.0, 50.0}) {
    World world(random_effects(10, 2));
    const auto found = answer("single_kl", threshold, world);
    EXPECT_LE(world.effect(found->plans.front()), threshold);
    EXPECT_TRUE(found->reliability);
    EXPECT_FALSE(found->is_program);
  }
  World world(random_effects(10, 2));
  EXPECT_FALSE(answer("ip_measured", 0.4, world)->reliability)
      << "loss errors are of calibration samples";
}

TEST(Strategies, TellWhetherTheyNeedLossErrors) {
  std::set<std::string> free;
  for (const auto& strategy : strategies())
    if (!strategy.uses_loss_errors) free.insert(strategy.name);
  EXPECT_EQ(free, (std::set<std::string>{"single_loss", "single_kl", "clado", "amp"}));
}

}  // namespace
}  // namespace gainsweep::solve
