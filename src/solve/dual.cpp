#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "solve/selection.hpp"
#include "solve/solve.hpp"
#include "solve/verification.hpp"

namespace gainsweep::solve {
namespace {

// Sums of errors are below two to the power of so many parts: exact as doubles.
constexpr int bits_of_sum = 52;

/// A problem whose gains are the errors, negative and in whole parts, and whose resources are those
/// behind the first.
struct Rounded {
  Problem problem;
  std::vector<std::vector<std::size_t>> places;  ///< of the choices that are left, by group
  double part = 1;                               ///< a power of two
};

double error_of(const Choice& choice) {
  return choice.cost.front();
}

double total_error(const Problem& problem, const std::vector<std::size_t>& choices) {
  return total_cost(problem.groups, choices).front();
}

/// Σ of the largest errors of the choices that are left.
double largest_sum(const Problem& problem, const std::vector<std::vector<std::size_t>>& places) {
  double sum = 0;
  for (std::size_t group = 0; group < places.size(); ++group) {
    double largest = 0;
    for (const auto place : places[group])
      largest = std::max(largest, error_of(problem.groups[group][place]));
    sum += largest;
  }
  return sum;
}

double part_of(double sum) {
  int exponent = 0;
  std::frexp(sum, &exponent);
  if (sum == 0) return 1;
  return std::max(std::ldexp(1.0, exponent - bits_of_sum), std::numeric_limits<double>::min());
}

/// The choices that a selection of at most some summed error may hold.
std::vector<std::vector<std::size_t>> allowed(const Problem& problem, double most) {
  const double least = least_cost(problem.groups, 1).front();
  const double room = most - least + rounding_slack(problem.groups, 0, most);
  std::vector<std::vector<std::size_t>> places;
  for (const auto& group : problem.groups) {
    double smallest = std::numeric_limits<double>::infinity();
    for (const auto& choice : group) smallest = std::min(smallest, error_of(choice));
    auto& left = places.emplace_back();
    for (std::size_t place = 0; place < group.size(); ++place)
      if (error_of(group[place]) - smallest <= room) left.push_back(place);
  }
  return places;
}

Rounded round(const Problem& problem, double most) {
  Rounded rounded;
  rounded.places = allowed(problem, most);
  rounded.part = part_of(largest_sum(problem, rounded.places));
  rounded.problem.limits.assign(problem.limits.begin() + 1, problem.limits.end());
  for (std::size_t group = 0; group < problem.groups.size(); ++group) {
    auto& choices = rounded.problem.groups.emplace_back();
    for (const auto place : rounded.places[group]) {
      const Choice& from = problem.groups[group][place];
      Choice to{-std::llround(error_of(from) / rounded.part)};
      std::copy(from.cost.begin() + 1, from.cost.end(), to.cost.begin());
      choices.push_back(to);
    }
  }
  return rounded;
}

std::vector<std::size_t> places_of(const Rounded& rounded, const Solution& solution) {
  std::vector<std::size_t> choices;
  for (std::size_t group = 0; group < solution.choices.size(); ++group)
    choices.push_back(rounded.places[group][solution.choices[group]]);
  return choices;
}

/// What was found of the rounded problem, in the words of the problem itself.
Outcome unrounded(const Problem& problem, const Rounded& rounded, Outcome outcome) {
  auto& [solution, certificate] = outcome;
  const auto least = least_cost(problem.groups, problem.limits.size());
  solution.choices = places_of(rounded, solution);
  solution.least_cost = least;
  certificate.objective *= -rounded.part;
  if (!has_plan(solution)) return outcome;
  solution.gain = total_gain(problem.groups, solution.choices);
  solution.cost = total_cost(problem.groups, solution.choices);
  return outcome;
}

}  // namespace

Outcome solve_dual(const Problem& problem, const Effort& effort) {
  check_groups(problem.groups, problem.limits.size());
  if (problem.limits.size() < 2) check_limits({});
  Rounded rounded = round(problem, std::numeric_limits<double>::max());
  Solution found = dynamic_program(rounded.problem, effort.most_states);
  // A plan bounds the errors that matter: without the others parts are finer, and CBC's tolerances,
  // which follow the largest error, are narrower.
  for (double most = std::numeric_limits<double>::infinity(); has_plan(found);) {
    const double error = total_error(problem, places_of(rounded, found));
    if (error >= most / 2) break;
    most = error;
    rounded = round(problem, most);
    found = dynamic_program(rounded.problem, effort.most_states);
  }
  return unrounded(problem, rounded, prove(rounded.problem, found, effort));
}

}  // namespace gainsweep::solve
