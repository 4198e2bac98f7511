#include "solve/vector_program.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/error.hpp"
#include "solve/bounds.hpp"
#include "solve/incumbent.hpp"
#include "solve/integer_program.hpp"
#include "solve/selection.hpp"
#include "solve/vector_dominance.hpp"
#include "solve/verification.hpp"

namespace gainsweep::solve {
namespace {

// States of the first list, and how much longer each next one is.
constexpr std::size_t first_length = 256;
constexpr std::size_t growth = 4;
constexpr double price_factors[] = {0.7, 0.9, 1.1, 1.4};

/// Prices of the resources, from those of the whole limits in scaled units.
Resources prices(const Problem& problem, const IntegerProgram& program,
                 const LinearRelaxation& relaxation) {
  Resources price{};
  for (std::size_t resource = 0; resource < problem.limits.size(); ++resource) {
    const double limit = problem.limits[resource];
    if (limit > 0) price[resource] = relaxation.price[resource] / program.unit / limit;
  }
  return price;
}

/// The bounds for some prices, and for others near them: which are tightest depends on what a
/// partial selection has left of each limit.
std::vector<Bounds> all_bounds(const Problem& problem, const Resources& price) {
  std::vector<Bounds> bounds{make_bounds(problem, price)};
  for (std::size_t resource = 0; resource < problem.limits.size(); ++resource) {
    if (price[resource] <= 0) continue;
    for (const double factor : price_factors) {
      Resources near = price;
      near[resource] *= factor;
      bounds.push_back(make_bounds(problem, near));
    }
  }
  return bounds;
}

/// The choices that may be part of a selection gaining a target, and what groups can cost.
struct Rest {
  Groups groups;
  std::vector<std::vector<std::uint32_t>> index;
  std::vector<Resources> least;  ///< Σ least cost from a group on
  std::vector<Resources> most;   ///< Σ largest cost from a group on
};

enum class Finding {
  best,  ///< the plan of record
  none,  ///< no selection gains the target
  cut,   ///< selections had to be left out; the best plan found, if any, gains the target or more
};

/// Looks for selections that gain some target with lists of limited length.
class ListSearch {
 public:
  ListSearch(const Problem& problem, const std::vector<Bounds>& bounds, std::size_t most_states)
      : problem_(problem), bounds_(bounds), most_states_(most_states) {}

  /// A plan that is found becomes the solution unless that has a better one.
  Finding run(double target, Solution& solution) const;

 private:
  Rest rest(double target) const;
  VectorLimit limit(const Rest& rest, double target, std::size_t group) const;
  void take(const VectorSelections& selections, const Rest& rest, Solution& solution) const;

  const Problem& problem_;
  const std::vector<Bounds>& bounds_;
  std::size_t most_states_;
};

Rest ListSearch::rest(double target) const {
  Rest rest;
  for (std::size_t group = 0; group < problem_.groups.size(); ++group) {
    rest.index.push_back(reduce(problem_, bounds_.front(), group, target));
    if (rest.index.back().empty()) return {};
    rest.groups.emplace_back();
    for (const std::uint32_t index : rest.index.back()) {
      rest.groups.back().push_back(problem_.groups[group][index]);
    }
  }
  rest.least = least_from(rest.groups);
  rest.most = most_from(rest.groups, problem_.limits);
  return rest;
}

VectorLimit ListSearch::limit(const Rest& rest, double target, std::size_t group) const {
  const bool last = group + 1 == problem_.groups.size();
  VectorLimit result = make_limit(problem_.limits, bounds_.front().slack, rest.least[group + 1],
                                  rest.most[group + 1], last);
  result.floors.clear();
  for (const Bounds& bounds : bounds_) {
    result.floors.push_back({bounds.price, bounds.least_value(target, group + 1)});
  }
  return result;
}

void ListSearch::take(const VectorSelections& selections, const Rest& rest,
                      Solution& solution) const {
  // Behind the last group nothing but gain, first resource and order counts: the best comes first.
  const auto& best = selections.states().front();
  const bool better = selections.complete() || solution.termination != Termination::feasible ||
                      best.gain > solution.gain ||
                      (best.gain == solution.gain && best.cost.front() < solution.cost.front());
  if (!better) return;
  solution.termination = Termination::feasible;
  solution.choices = selections.choices(0);
  for (std::size_t group = 0; group < solution.choices.size(); ++group) {
    solution.choices[group] = rest.index[group][solution.choices[group]];
  }
  solution.gain = best.gain;
  solution.cost = best.cost;
}

Finding ListSearch::run(double target, Solution& solution) const {
  const Rest left = rest(target);
  if (left.groups.size() != problem_.groups.size()) return Finding::none;
  VectorSelections selections(problem_.limits.size(), most_states_);
  for (std::size_t group = 0; group < left.groups.size(); ++group) {
    selections.extend(left.groups[group], limit(left, target, group));
    solution.most_states = std::max(solution.most_states, selections.states().size());
    if (selections.states().empty()) break;
  }
  const Finding nothing = selections.complete() ? Finding::none : Finding::cut;
  if (selections.states().empty()) return nothing;
  if (static_cast<double>(selections.states().front().gain) < target) return nothing;
  take(selections, left, solution);
  return selections.complete() ? Finding::best : Finding::cut;
}

/// Looks for the plan of record with lists that become longer. What a list that was cut found is
/// the next one's target, which needs fewer states.
Finding widen(const Problem& problem, const std::vector<Bounds>& bounds, std::size_t most_states,
              double lowest, Solution& solution) {
  for (std::size_t length = std::min(first_length, most_states);;) {
    const double target = has_plan(solution) ? static_cast<double>(solution.gain) : lowest;
    const Finding finding = ListSearch(problem, bounds, length).run(target, solution);
    if (finding != Finding::cut) return finding;
    const bool improved = has_plan(solution) && static_cast<double>(solution.gain) > target;
    if (length == most_states && !improved) return Finding::cut;
    length = std::min(most_states, length * growth);
  }
}

/// Σ of each group's smallest gain.
double smallest_gain(const Groups& groups) {
  double sum = 0;
  for (const auto& group : groups) {
    std::int64_t smallest = group.front().gain;
    for (const Choice& choice : group) smallest = std::min(smallest, choice.gain);
    sum += static_cast<double>(smallest);
  }
  return sum;
}

void start(const Problem& problem, const LinearRelaxation& relaxation, Solution& solution) {
  const auto choices = repair(problem, relaxation.rounded);
  if (!choices) return;
  solution.termination = Termination::feasible;
  solution.choices = *choices;
  solution.gain = total_gain(problem.groups, *choices);
  solution.cost = total_cost(problem.groups, *choices);
}

}  // namespace

Solution vector_program(const Problem& problem, std::size_t most_states) {
  if (most_states == 0) {
    throw Error(ErrorKind::internal,
                "a list of no states was asked for (it takes 1 or more). Report this as a bug of "
                "gainsweep.");
  }
  Solution solution;
  const IntegerProgram program(problem);
  if (!program.has_choices) return solution;
  const LinearRelaxation relaxation = relax(program);
  const std::vector<Bounds> bounds = all_bounds(problem, prices(problem, program, relaxation));
  start(problem, relaxation, solution);
  const bool started = has_plan(solution);
  const double lowest = smallest_gain(problem.groups) - bounds.front().tolerance;
  switch (widen(problem, bounds, most_states, lowest, solution)) {
    case Finding::best:
      solution.termination = Termination::optimal;
      break;
    case Finding::none:
      if (started) {
        throw Error(ErrorKind::internal,
                    "the list lost a selection that it started from. Report this as a bug of "
                    "gainsweep.");
      }
      break;
    case Finding::cut:
      if (solution.termination == Termination::infeasible) {
        solution.termination = Termination::unknown;
      }
  }
  return solution;
}

}  // namespace gainsweep::solve
