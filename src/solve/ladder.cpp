#include "solve/ladder.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <tuple>

namespace gainsweep::solve {
namespace {

constexpr std::size_t limits_of_programs = 64, parts_of_gain = 24;

double largest_sum(const Scores& scores) {
  double sum = 0;
  for (const auto& own : scores)
    if (!own.empty()) sum += *std::max_element(own.begin(), own.end());
  return sum;
}

Ladder exact(const Numbers&, const Scored& scored, Asking& asking) {
  const auto& scores = scored.scores;
  const double whole = largest_sum(scores);
  return {limits_of_programs, [&scores, &asking, whole](std::size_t step) {
            const double halvings = 0.25 * static_cast<double>(limits_of_programs - step);
            return asking.program(scores, whole * std::exp2(-halvings));
          }};
}

/// Formats after each step.
std::vector<Formats> in_order(const OpFormats& ops, const Scores& scores) {
  struct Step {
    double score;
    std::size_t op, place;
  };
  std::vector<Step> order;
  for (std::size_t op = 0; op < ops.size(); ++op)
    for (std::size_t place = 0; place < ops[op].size(); ++place)
      order.push_back({scores[op][place], op, place});
  std::stable_sort(order.begin(), order.end(),
                   [](const Step& a, const Step& b) { return a.score < b.score; });
  std::vector<double> bits(ops.size(), std::numeric_limits<double>::infinity());
  std::vector<Formats> plans;
  Formats formats(ops.size(), 0);
  for (const auto& [score, op, place] : order) {
    const auto& low = ops[op][place];
    if (low.bits >= bits[op]) continue;
    bits[op] = low.bits;
    formats[op] = low.format;
    plans.push_back(formats);
  }
  return plans;
}

Ladder quadratic(const Numbers&, const Scored& scored, Asking& asking) {
  return {parts_of_gain, [&scored, &asking](std::size_t step) {
            const double part = static_cast<double>(step) / static_cast<double>(parts_of_gain);
            return asking.program(scored.scores, scored.interactions, part);
          }};
}

Ladder order(const Numbers& numbers, const Scored& scored, Asking&) {
  const auto plans =
      std::make_shared<const std::vector<Formats>>(in_order(numbers.ops, scored.scores));
  return {plans->size(), [plans](std::size_t step) {
            return Program{(*plans)[step - 1], std::nullopt};
          }};
}

std::size_t num_formats(const Numbers& numbers) {
  std::size_t count = 0;
  for (const auto& formats : numbers.ops) count += formats.size();
  return count;
}

/// The last of some steps beyond a plan that holds, or the plan; they are measured side by side.
std::optional<Bisected> verified(const Numbers& numbers, const Ladder& ladder, double threshold,
                                 std::size_t first, Bisected found, Asking& asking) {
  std::vector<Program> programs;
  std::vector<Formats> plans;
  const auto end = std::min(first + numbers.verify, ladder.steps + 1);
  for (auto step = first; step < end; ++step)
    if (auto program = ladder.plan(step)) {
      plans.push_back(program->formats);
      programs.push_back(*std::move(program));
    }
  if (first >= end) return found;
  if (plans.size() < end - first) return std::nullopt;
  const auto qualities = asking.qualities(plans);
  if (!qualities) return std::nullopt;
  for (std::size_t i = 0; i < plans.size(); ++i)
    if ((*qualities)[i].value <= threshold) found = {programs[i], (*qualities)[i]};
  return found;
}

}  // namespace

const Table<Selection>& selections() {
  static const Table<Selection> table{
      {"exact", "exact programs under limits on the sum of scores", exact,
       [](const Numbers&) { return limits_of_programs; }, /*asks_programs=*/true},
      {"quadratic", "plans of the least scores, pairs included, that gain enough", quadratic,
       [](const Numbers&) { return parts_of_gain; }, /*asks_programs=*/true},
      {"order", "an op's format at a time, by rising score", order, num_formats}};
  return table;
}

std::optional<Bisected> bisect(const Numbers& numbers, const Ladder& ladder, double threshold,
                               Asking& asking) {
  Bisected found{{Formats(numbers.ops.size(), 0)}};
  std::size_t holds = 0, fails = ladder.steps + 1;
  for (auto step = ladder.steps; fails - holds > 1; step = (holds + fails) / 2) {
    const auto plan = ladder.plan(step);
    if (!plan) return std::nullopt;
    const auto quality = asking.qualities({plan->formats});
    if (!quality) return std::nullopt;
    if (quality->front().value > threshold) {
      fails = step;
      continue;
    }
    holds = step;
    found = {*plan, quality->front()};
  }
  return verified(numbers, ladder, threshold, fails, std::move(found), asking);
}

std::size_t most_measured(const Numbers& numbers, std::size_t steps) {
  return static_cast<std::size_t>(std::bit_width(steps)) + 1 + numbers.verify;
}

}  // namespace gainsweep::solve
