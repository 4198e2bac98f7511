#include "latency/measure.hpp"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <numeric>

namespace gainsweep::latency {
namespace {

constexpr double settled = 0.02;            // relative difference of two windows' medians
constexpr std::size_t longest_warm_up = 5;  // times rule.warmup

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool has_settled(const std::vector<double>& runs, std::size_t window) {
  if (runs.size() < 2 * window) return false;
  const auto split = runs.end() - static_cast<std::ptrdiff_t>(window);
  const double earlier = median_of({split - static_cast<std::ptrdiff_t>(window), split});
  const double later = median_of({split, runs.end()});
  return std::abs(earlier - later) <= settled * later;
}

std::vector<std::int64_t> random_order(std::size_t count, boost::random::mt19937_64& random) {
  std::vector<std::int64_t> order(count);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::size_t i = count; i > 1; --i) {
    boost::random::uniform_int_distribution<std::size_t> place(0, i - 1);
    std::swap(order[i - 1], order[place(random)]);
  }
  return order;
}

double timed(Contest& contest, execute::Program& program, const execute::Inputs& inputs) {
  if (contest.flush)
    contest.flush->play();
  else if (contest.interlude)
    contest.interlude->play(inputs);
  return program.time(inputs);
}

double timed(Contest& contest, std::size_t program) {
  return timed(contest, contest.programs[program], *contest.inputs[program]);
}

// Of each piece.
std::vector<double> timed_pieces(Contest& contest) {
  std::vector<double> seconds;
  for (auto& piece : contest.whole) seconds.push_back(timed(contest, piece.program, *piece.inputs));
  return seconds;
}

void add_whole(Timings& timings, Contest& contest) {
  const auto seconds = timed_pieces(contest);
  double whole = 0;
  for (std::size_t i = 0; i < seconds.size(); ++i)
    whole += static_cast<double>(contest.whole[i].times) * seconds[i];
  timings.whole.push_back(whole);
  timings.pieces.push_back(std::accumulate(seconds.begin(), seconds.end(), 0.0));
}

void add_block(Timings& timings, Contest& contest, std::vector<std::int64_t> order) {
  std::vector<double> seconds(contest.programs.size());
  for (const auto place : order) {
    const auto i = static_cast<std::size_t>(place);
    if (i == seconds.size())
      add_whole(timings, contest);
    else
      seconds[i] = timed(contest, i);
  }
  timings.seconds.push_back(std::move(seconds));
  timings.order.push_back(std::move(order));
}

}  // namespace

std::vector<double> warm_up(Contest& contest, const StoppingRule& rule) {
  const auto least = static_cast<std::size_t>(rule.warmup);
  const std::size_t window = std::max<std::size_t>(3, least / 2);
  std::vector<double> runs;
  while (runs.size() < least ||
         (!has_settled(runs, window) && runs.size() < longest_warm_up * std::max(least, window)))
    runs.push_back(timed(contest, 0));
  for (int run = 0; run < 2; ++run) {
    for (std::size_t i = 1; i < contest.programs.size(); ++i) timed(contest, i);
    timed_pieces(contest);
  }
  return runs;
}

Timings measure(Contest& contest, std::int64_t blocks, std::uint64_t seed, std::uint64_t round) {
  boost::random::mt19937_64 random(seed * 1'000'003 + round);
  Timings timings;
  const auto places = contest.programs.size() + (contest.whole.empty() ? 0 : 1);
  for (std::int64_t block = 0; block < blocks; ++block) {
    AroundBlock card;
    if (contest.card) card.before = contest.card();
    add_block(timings, contest, random_order(places, random));
    if (!contest.card) continue;
    card.after = contest.card();
    timings.cards.push_back(std::move(card));
  }
  return timings;
}

bool is_precise(const Timings& timings, const StoppingRule& rule) {
  return static_cast<std::int64_t>(timings.seconds.size()) >= rule.least_repetitions &&
         widest_interval(timings, rule.confidence) <= rule.precision;
}

bool finished(const Timings& timings, const StoppingRule& rule) {
  const auto blocks = static_cast<std::int64_t>(timings.seconds.size());
  if (blocks >= rule.repetitions) return true;
  if (blocks > 0 && spent_seconds(timings) >= rule.budget_seconds) return true;
  return is_precise(timings, rule);
}

bool may_go_on(const Timings& timings, const StoppingRule& rule) {
  return spent_seconds(timings) < rule.budget_seconds && !is_precise(timings, rule);
}

}  // namespace gainsweep::latency
