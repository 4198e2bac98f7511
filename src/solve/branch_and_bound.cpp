#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "solve/integer_program.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"
#include "solve/verification.hpp"

namespace gainsweep::solve {
namespace {

/// CBC's search for something better than the best plan so far.
class Improvement {
 public:
  Improvement(const Problem& problem, const Solution& incumbent, std::int64_t most_nodes)
      : problem_(problem), program_(problem), most_nodes_(most_nodes) {
    best_ = incumbent;
    best_.termination = has_plan(incumbent) ? Termination::feasible : Termination::unknown;
  }

  Outcome run();

 private:
  double cutoff() const;
  Search run(SearchSpec spec);
  void adopt(const std::vector<std::size_t>& choices);
  Outcome proved(bool by_cutoff);
  Outcome stopped(double bound);

  const Problem& problem_;
  IntegerProgram program_;
  std::int64_t most_nodes_;
  Solution best_;
  Certificate certificate_;
};

/// Just above the objective of the next better gain, as far as CBC can tell gains apart.
double Improvement::cutoff() const {
  if (!has_plan(best_)) return std::numeric_limits<double>::infinity();
  return program_.objective(best_.gain) - std::max(least_cutoff_slack, program_.step() / 2);
}

/// One search within what is left of the nodes; a better plan that it finds is adopted.
Search Improvement::run(SearchSpec spec) {
  spec.most_nodes = most_nodes_ - certificate_.nodes;
  Search search = branch(program_, spec);
  certificate_.nodes += search.nodes;
  if (search.choices && is_feasible(problem_, *search.choices)) adopt(*search.choices);
  return search;
}

void Improvement::adopt(const std::vector<std::size_t>& choices) {
  const std::int64_t gain = total_gain(problem_.groups, choices);
  if (has_plan(best_) && gain <= best_.gain) return;
  best_.termination = Termination::feasible;
  best_.choices = choices;
  best_.gain = gain;
  best_.cost = total_cost(problem_.groups, choices);
}

Outcome Improvement::proved(bool by_cutoff) {
  if (!has_plan(best_)) {
    best_.termination = Termination::infeasible;
    return {best_, certificate_};
  }
  best_.termination = Termination::optimal;
  const double gain = static_cast<double>(best_.gain);
  // Gains closer than the cutoff's slack, if there are any, were not looked at.
  const bool open = by_cutoff && program_.step() / 2 < least_cutoff_slack;
  certificate_.objective = open ? gain + least_cutoff_slack / program_.unit : gain;
  certificate_.relative_gap = (certificate_.objective - gain) / std::max(1.0, std::abs(gain));
  return {best_, certificate_};
}

/// `bound`: no plan gains more.
Outcome Improvement::stopped(double bound) {
  certificate_.proved = false;
  certificate_.objective = bound;
  certificate_.relative_gap = std::numeric_limits<double>::infinity();
  if (has_plan(best_)) {
    const double gain = static_cast<double>(best_.gain);
    certificate_.objective = std::max(bound, gain);
    certificate_.relative_gap = (certificate_.objective - gain) / std::max(1.0, std::abs(gain));
  }
  return {best_, certificate_};
}

Outcome Improvement::run() {
  SearchSpec spec;
  double bound = static_cast<double>(program_.best_gain);
  while (spec.excluded.size() < most_excluded && certificate_.nodes < most_nodes_) {
    spec.cutoff = cutoff();
    const Search search = run(spec);
    if (!search.complete) {
      return stopped(static_cast<double>(program_.best_gain) - search.bound / program_.unit);
    }
    if (!search.choices) return proved(has_plan(best_));
    if (is_feasible(problem_, *search.choices)) return proved(false);
    check_excess(problem_, *search.choices);
    bound = static_cast<double>(total_gain(problem_.groups, *search.choices));
    if (!certificate_.resolved_with_margin) {
      // A plan inside the margin spares the search the many that are over a limit and no better.
      certificate_.resolved_with_margin = true;
      SearchSpec inside = spec;
      inside.capacity = 1 - margin;
      run(inside);
    }
    spec.excluded.push_back(*search.choices);
  }
  return stopped(bound);
}

}  // namespace

Outcome branch_and_bound(const Problem& problem, const Solution& incumbent,
                         std::int64_t most_nodes) {
  check_problem(problem);
  if (has_plan(incumbent)) check_plan(problem, incumbent);
  Solution start = incumbent;
  start.least_cost = least_cost(problem.groups, problem.limits.size());
  return Improvement(problem, start, most_nodes).run();
}

Outcome prove(const Problem& problem, const Solution& solution, const Effort& effort) {
  if (solution.termination == Termination::feasible ||
      solution.termination == Termination::unknown) {
    return branch_and_bound(problem, solution, effort.most_nodes);
  }
  return {solution, certify(problem, solution, effort.most_nodes)};
}

Outcome solve(const Problem& problem, const Effort& effort) {
  return prove(problem, dynamic_program(problem, effort.most_states), effort);
}

}  // namespace gainsweep::solve
