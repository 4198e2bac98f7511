#include "solve/quadratic.hpp"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "base/error.hpp"
#include "solve/linearised.hpp"

namespace gainsweep::solve {
namespace {

constexpr std::size_t random_starts = 16;
constexpr double most_selections = 1 << 20;
// An exchange has to gain more than rounding does.
constexpr double least_part = 1e-12;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::internal,
              "a quadratic program " + what + ". Report this as a bug of gainsweep.");
}

void check(const QuadraticProblem& problem) {
  for (const auto& group : problem.groups)
    if (group.empty()) refuse("has a group without choices");
  for (const auto& pair : problem.pairs) {
    const auto& [group, choice, other, other_choice, cost] = pair;
    if (group >= other || other >= problem.groups.size() ||
        choice >= problem.groups[group].size() || other_choice >= problem.groups[other].size() ||
        !std::isfinite(cost))
      refuse("has a pair of no two groups, or without a number");
  }
}

/// Costs of all pairs, by the places of choices in one row.
class Dense {
 public:
  explicit Dense(const QuadraticProblem& problem) : problem_(problem) {
    for (const auto& group : problem.groups) {
      first_.push_back(size_);
      size_ += group.size();
    }
    costs_.resize(size_ * size_);
    for (const auto& pair : problem.pairs) {
      const auto a = first_[pair.group] + pair.choice;
      const auto b = first_[pair.other_group] + pair.other_choice;
      costs_[a * size_ + b] = costs_[b * size_ + a] = pair.cost;
    }
    for (const double cost : costs_) scale_ = std::max(scale_, std::abs(cost));
    for (const auto& group : problem.groups)
      for (const auto& choice : group) scale_ = std::max(scale_, std::abs(choice.cost));
  }

  /// What a group's choice costs beside those of all groups but itself and `without`.
  double beside(const std::vector<std::size_t>& choices, std::size_t group, std::size_t choice,
                std::size_t without) const {
    double sum = problem_.groups[group][choice].cost;
    const auto* row = costs_.data() + (first_[group] + choice) * size_;
    for (std::size_t other = 0; other < choices.size(); ++other)
      if (other != group && other != without) sum += row[first_[other] + choices[other]];
    return sum;
  }

  double together(std::size_t group, std::size_t choice, std::size_t other,
                  std::size_t other_choice) const {
    return costs_[(first_[group] + choice) * size_ + first_[other] + other_choice];
  }

  /// The largest number of all.
  double scale() const { return scale_; }

 private:
  const QuadraticProblem& problem_;
  std::vector<std::size_t> first_;
  std::size_t size_ = 0;
  std::vector<double> costs_;
  double scale_ = 0;
};

/// Exchanges from one selection.
class Descent {
 public:
  Descent(const QuadraticProblem& problem, const Dense& dense, std::vector<std::size_t> choices)
      : problem_(problem), dense_(dense), choices_(std::move(choices)) {
    for (std::size_t group = 0; group < choices_.size(); ++group)
      gain_ += problem.groups[group][choices_[group]].gain;
  }

  std::vector<std::size_t> run() && {
    while (exchange_one() || exchange_two()) {
    }
    return std::move(choices_);
  }

 private:
  bool is_less(double change) const { return change < -least_part * dense_.scale(); }

  bool exchange_one() {
    for (std::size_t group = 0; group < choices_.size(); ++group) {
      const double before = dense_.beside(choices_, group, choices_[group], group);
      for (std::size_t choice = 0; choice < problem_.groups[group].size(); ++choice) {
        const auto change = gain_change(group, choice);
        if (gain_ + change < problem_.least_gain ||
            !is_less(dense_.beside(choices_, group, choice, group) - before))
          continue;
        choices_[group] = choice;
        gain_ += change;
        return true;
      }
    }
    return false;
  }

  bool exchange_two() {
    for (std::size_t a = 0; a < choices_.size(); ++a)
      for (std::size_t b = a + 1; b < choices_.size(); ++b)
        if (exchange(a, b)) return true;
    return false;
  }

  bool exchange(std::size_t a, std::size_t b) {
    const auto cost = [&](std::size_t choice_a, std::size_t choice_b) {
      return dense_.beside(choices_, a, choice_a, b) + dense_.beside(choices_, b, choice_b, a) +
             dense_.together(a, choice_a, b, choice_b);
    };
    const double before = cost(choices_[a], choices_[b]);
    for (std::size_t choice_a = 0; choice_a < problem_.groups[a].size(); ++choice_a)
      for (std::size_t choice_b = 0; choice_b < problem_.groups[b].size(); ++choice_b) {
        const auto change = gain_change(a, choice_a) + gain_change(b, choice_b);
        if (gain_ + change < problem_.least_gain || !is_less(cost(choice_a, choice_b) - before))
          continue;
        choices_[a] = choice_a;
        choices_[b] = choice_b;
        gain_ += change;
        return true;
      }
    return false;
  }

  std::int64_t gain_change(std::size_t group, std::size_t choice) const {
    return problem_.groups[group][choice].gain - problem_.groups[group][choices_[group]].gain;
  }

  const QuadraticProblem& problem_;
  const Dense& dense_;
  std::vector<std::size_t> choices_;
  std::int64_t gain_ = 0;
};

using Choices = std::vector<std::size_t>;

Choices largest_gains(const QuadraticProblem& problem) {
  Choices choices;
  for (const auto& group : problem.groups) {
    const auto best =
        std::max_element(group.begin(), group.end(), [](const auto& a, const auto& b) {
          return a.gain < b.gain || (a.gain == b.gain && a.cost > b.cost);
        });
    choices.push_back(static_cast<std::size_t>(best - group.begin()));
  }
  return choices;
}

std::int64_t gain_of(const QuadraticProblem& problem, const Choices& choices) {
  std::int64_t gain = 0;
  for (std::size_t group = 0; group < choices.size(); ++group)
    gain += problem.groups[group][choices[group]].gain;
  return gain;
}

/// Gives groups their largest gain, in order, until all gain enough.
Choices repaired(const QuadraticProblem& problem, Choices choices, const Choices& largest) {
  for (std::size_t group = 0;
       group < choices.size() && gain_of(problem, choices) < problem.least_gain; ++group)
    choices[group] = largest[group];
  return choices;
}

std::vector<Choices> starts(const QuadraticProblem& problem, const Choices& largest) {
  std::vector<Choices> all{largest};
  Choices cheapest;
  for (const auto& group : problem.groups) {
    const auto best = std::min_element(
        group.begin(), group.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
    cheapest.push_back(static_cast<std::size_t>(best - group.begin()));
  }
  all.push_back(repaired(problem, cheapest, largest));
  boost::random::mt19937_64 bits(problem.groups.size());
  for (std::size_t start = 0; start < random_starts; ++start) {
    Choices drawn;
    for (const auto& group : problem.groups)
      drawn.push_back(
          boost::random::uniform_int_distribution<std::size_t>(0, group.size() - 1)(bits));
    all.push_back(repaired(problem, std::move(drawn), largest));
  }
  return all;
}

bool is_better(const QuadraticSolution& a, const QuadraticSolution& b) {
  if (a.cost != b.cost) return a.cost < b.cost;
  return a.gain != b.gain ? a.gain > b.gain : a.choices < b.choices;
}

}  // namespace

QuadraticSolution evaluate(const QuadraticProblem& problem, const Choices& choices) {
  check(problem);
  if (choices.size() != problem.groups.size()) refuse("has a selection of other groups");
  QuadraticSolution solution{choices, gain_of(problem, choices)};
  for (std::size_t group = 0; group < choices.size(); ++group)
    solution.cost += problem.groups[group][choices[group]].cost;
  for (const auto& pair : problem.pairs)
    if (choices[pair.group] == pair.choice && choices[pair.other_group] == pair.other_choice)
      solution.cost += pair.cost;
  return solution;
}

QuadraticSolution descend(const QuadraticProblem& problem, Choices choices) {
  check(problem);
  const Dense dense(problem);
  return evaluate(problem, Descent(problem, dense, std::move(choices)).run());
}

QuadraticOutcome solve_quadratic(const QuadraticProblem& problem, std::int64_t most_nodes) {
  check(problem);
  const auto largest = largest_gains(problem);
  QuadraticOutcome outcome;
  if (gain_of(problem, largest) < problem.least_gain) return outcome;
  const Dense dense(problem);
  for (auto& start : starts(problem, largest)) {
    const auto found = evaluate(problem, Descent(problem, dense, std::move(start)).run());
    if (outcome.solution.choices.empty() || is_better(found, outcome.solution))
      outcome.solution = found;
  }
  const auto search = branch(problem, outcome.solution.cost, most_nodes);
  if (search.choices) {
    const auto found = evaluate(problem, *search.choices);
    if (found.gain >= problem.least_gain && is_better(found, outcome.solution))
      outcome.solution = found;
  }
  auto& certificate = outcome.certificate;
  certificate.nodes = search.nodes;
  certificate.proved = search.complete;
  certificate.objective =
      search.complete ? outcome.solution.cost : std::min(search.bound, outcome.solution.cost);
  const double size = std::max(std::abs(outcome.solution.cost), least_part * dense.scale());
  certificate.relative_gap = size == 0 ? 0 : (outcome.solution.cost - certificate.objective) / size;
  return outcome;
}

QuadraticSolution exhaustive(const QuadraticProblem& problem) {
  check(problem);
  double count = 1;
  for (const auto& group : problem.groups) count *= static_cast<double>(group.size());
  if (count > most_selections) refuse("has too many selections to try");
  std::optional<QuadraticSolution> best;
  Choices choices(problem.groups.size(), 0);
  while (true) {
    const auto found = evaluate(problem, choices);
    if (found.gain >= problem.least_gain && (!best || is_better(found, *best))) best = found;
    std::size_t group = 0;
    while (group < choices.size() && ++choices[group] == problem.groups[group].size())
      choices[group++] = 0;
    if (group == choices.size()) return best.value_or(QuadraticSolution{});
  }
}

}  // namespace gainsweep::solve
