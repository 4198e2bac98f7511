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

/// Refuses a choice's costs.
void check_cost(const Resources& cost, std::size_t num_resources, std::size_t group) {
  for (std::size_t resource = 0; resource < cost.size(); ++resource) {
    if (!is_amount(cost[resource])) {
      throw malformed(group, "has the cost " + shortest(cost[resource]) +
                                 " (costs are finite and not negative)");
    }
    if (resource >= num_resources && cost[resource] != 0) {
      throw malformed(group, "has the cost " + shortest(cost[resource]) + " of resource " +
                                 std::to_string(resource) + " (limits are given for " +
                                 std::to_string(num_resources) + ")");
    }
  }
}

}  // namespace

void check_limits(const std::vector<double>& limits) {
  if (limits.empty() || limits.size() > most_resources) {
    throw Error(ErrorKind::internal,
                "a knapsack has " + std::to_string(limits.size()) + " limits (it takes 1 to " +
                    std::to_string(most_resources) + "). Report this as a bug of gainsweep.");
  }
  for (const double limit : limits) {
    if (is_amount(limit)) continue;
    throw Error(ErrorKind::internal,
                "a knapsack limit is " + shortest(limit) +
                    " (it must be finite and not negative). Report this as a bug of gainsweep.");
  }
}

void check_groups(const Groups& groups, std::size_t num_resources) {
  std::int64_t room = largest_total_gain;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    if (groups[group].empty()) throw malformed(group, "has no choice");
    std::int64_t largest = 0;
    for (const Choice& choice : groups[group]) {
      check_cost(choice.cost, num_resources, group);
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
  check_limits(problem.limits);
  check_groups(problem.groups, problem.limits.size());
}

std::int64_t total_gain(const Groups& groups, const std::vector<std::size_t>& choices) {
  std::int64_t sum = 0;
  for (std::size_t group = 0; group < groups.size(); ++group) {
    sum += groups[group][choices[group]].gain;
  }
  return sum;
}

Resources total_cost(const Groups& groups, const std::vector<std::size_t>& choices) {
  Resources sum{};
  for (std::size_t group = 0; group < groups.size(); ++group) {
    const Resources& cost = groups[group][choices[group]].cost;
    for (std::size_t resource = 0; resource < sum.size(); ++resource) {
      sum[resource] += cost[resource];
    }
  }
  return sum;
}

std::vector<std::size_t> cheapest(const Groups& groups, std::size_t resource) {
  std::vector<std::size_t> choices;
  choices.reserve(groups.size());
  for (const auto& group : groups) {
    const auto best =
        std::min_element(group.begin(), group.end(), [&](const Choice& a, const Choice& b) {
          return a.cost[resource] != b.cost[resource] ? a.cost[resource] < b.cost[resource]
                                                      : a.gain > b.gain;
        });
    choices.push_back(static_cast<std::size_t>(best - group.begin()));
  }
  return choices;
}

Resources least_cost(const Groups& groups, std::size_t num_resources) {
  Resources least{};
  for (std::size_t resource = 0; resource < num_resources; ++resource) {
    least[resource] = total_cost(groups, cheapest(groups, resource))[resource];
  }
  return least;
}

std::vector<Resources> least_from(const Groups& groups) {
  std::vector<Resources> least(groups.size() + 1);
  for (std::size_t group = groups.size(); group-- > 0;) {
    Resources smallest = groups[group].front().cost;
    for (const Choice& choice : groups[group]) {
      for (std::size_t resource = 0; resource < smallest.size(); ++resource) {
        smallest[resource] = std::min(smallest[resource], choice.cost[resource]);
      }
    }
    for (std::size_t resource = 0; resource < smallest.size(); ++resource) {
      least[group][resource] = least[group + 1][resource] + smallest[resource];
    }
  }
  return least;
}

std::vector<Resources> most_from(const Groups& groups, const std::vector<double>& limits) {
  std::vector<Resources> most(groups.size() + 1);
  for (std::size_t group = groups.size(); group-- > 0;) {
    Resources largest{};
    for (const Choice& choice : groups[group]) {
      if (!fits(choice.cost, limits)) continue;
      for (std::size_t resource = 0; resource < largest.size(); ++resource) {
        largest[resource] = std::max(largest[resource], choice.cost[resource]);
      }
    }
    for (std::size_t resource = 0; resource < largest.size(); ++resource) {
      most[group][resource] = most[group + 1][resource] + largest[resource];
    }
  }
  return most;
}

double rounding_slack(const Groups& groups, std::size_t resource, double limit) {
  double largest = 0;
  for (const auto& group : groups) {
    double cost = 0;
    for (const Choice& choice : group) cost = std::max(cost, choice.cost[resource]);
    largest += cost;
  }
  // Every addition rounds by at most half a unit in the last place of the final sum.
  const double additions = static_cast<double>(groups.size());
  return 2 * additions * std::numeric_limits<double>::epsilon() * std::min(limit, largest);
}

}  // namespace gainsweep::solve
