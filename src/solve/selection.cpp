#include "solve/selection.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::solve {
namespace {

// Half the range, so that differences of two sums cannot overflow either.
constexpr std::int64_t largest_total_gain = std::numeric_limits<std::int64_t>::max() / 4;

Error malformed(std::size_t group, const std::string& what) {
  return Error(ErrorKind::internal, "knapsack group " + std::to_string(group) + " " + what +
                                        ". Report this as a bug of gainsweep.");
}

bool is_amount(double value) {
  return std::isfinite(value) && value >= 0;
}

bool cheaper(const Choice& a, const Choice& b) {
  return a.cost != b.cost ? a.cost < b.cost : a.gain > b.gain;
}

}  // namespace

void check_groups(const Groups& groups) {
  std::int64_t room = largest_total_gain;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (groups[group].empty()) throw malformed(group, "has no choice");
    std::int64_t largest = 0;
    for (const Choice& choice : groups[group]) {
      if (!is_amount(choice.cost)) {
        throw malformed(group, "has the cost " + shortest(choice.cost) +
                                   " (costs are finite and not negative)");
      }
      if (choice.gain < -largest_total_gain || choice.gain > largest_total_gain) {
        throw malformed(group, "has the gain " + std::to_string(choice.gain) +
                                   " (sums of gains would overflow)");
      }
      largest = std::max(largest, choice.gain < 0 ? -choice.gain : choice.gain);
    }
    if (largest > room) throw malformed(group, "makes the sum of the largest gains overflow");
    room -= largest;
  }
}

void check_problem(const Problem& problem) {
  check_groups(problem.groups);
  if (!is_amount(problem.budget)) {
    throw Error(ErrorKind::internal,
                "the knapsack budget is " + shortest(problem.budget) +
                    " (it must be finite and not negative). Report this as a bug of gainsweep.");
  }
}

std::int64_t total_gain(const Groups& groups, const std::vector<std::size_t>& choices) {
  std::int64_t sum = 0;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    sum += groups[group][choices[group]].gain;
  }
  return sum;
}

double total_cost(const Groups& groups, const std::vector<std::size_t>& choices) {
  double sum = 0;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    sum += groups[group][choices[group]].cost;
  }
  return sum;
}

std::vector<std::size_t> cheapest(const Groups& groups) {
  std::vector<std::size_t> choices;
  choices.reserve(groups.size());
  for (const auto& group : groups) {
    const auto best = std::min_element(group.begin(), group.end(), cheaper);
    choices.push_back(static_cast<std::size_t>(best - group.begin()));
  }
  return choices;
}

double rounding_slack(const Groups& groups, double budget) {
  double largest = 0;
  for (const auto& group : groups) {
    double cost = 0;
    for (const Choice& choice : group) cost = std::max(cost, choice.cost);
    largest += cost;
  }
  // Every addition rounds by at most half a unit in the last place of the final sum.
  const double additions = static_cast<double>(groups.size());
  return 2 * additions * std::numeric_limits<double>::epsilon() * std::min(budget, largest);
}

}  // namespace gainsweep::solve
