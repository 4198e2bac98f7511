#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
#include "solve/integer_program.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"

namespace gainsweep::solve {
namespace {

constexpr double agreement = 1e-6;           // relative, of objectives
constexpr double margin = 1e-6;              // relative, of the budget
constexpr double least_cutoff_slack = 1e-4;  // of the scaled objective: far above CBC's tolerances
constexpr std::size_t most_excluded = 64;

Error disagreement(const std::string& what) {
  return Error(ErrorKind::internal, "CBC and the dynamic program disagree (" + what +
                                        "). Keep the archive and report this.");
}

bool fits(const Problem& problem, const std::vector<std::size_t>& choices) {
  return total_cost(problem.groups, choices) <= problem.budget;
}

/// Refuses a plan of CBC that breaks the budget by more than its tolerances explain.
void check_excess(const Problem& problem, const std::vector<std::size_t>& choices) {
  const double cost = total_cost(problem.groups, choices);
  if (cost - problem.budget > margin * problem.budget) {
    throw Error(ErrorKind::internal, "CBC returned a plan that costs " + shortest(cost) +
                                         " with a budget of " + shortest(problem.budget) +
                                         ". Keep the archive and report this.");
  }
}

void check_solution(const Problem& problem, const Solution& solution) {
  const auto& choices = solution.choices;
  bool valid = choices.size() == problem.groups.size();
  for (std::size_t group = 0; valid && group < choices.size(); ++group) {
    valid = choices[group] < problem.groups[group].size();
  }
  if (!valid || total_gain(problem.groups, choices) != solution.gain ||
      total_cost(problem.groups, choices) != solution.cost || !(solution.cost <= problem.budget)) {
    throw Error(ErrorKind::internal,
                "the plan to certify does not add up (gain " + std::to_string(solution.gain) +
                    ", cost " + shortest(solution.cost) + ", budget " + shortest(problem.budget) +
                    "). Keep the archive and report this.");
  }
}

/// CBC's side of one certification: runs searches and keeps their count of nodes.
class Certifier {
 public:
  Certifier(const Problem& problem, const Solution& solution, std::int64_t most_nodes)
      : problem_(problem), solution_(solution), program_(problem), most_nodes_(most_nodes) {}

  Certificate infeasible();
  Certificate optimal();

 private:
  Search run(SearchSpec spec) {
    spec.most_nodes = most_nodes_;
    Search search = branch(program_, spec);
    certificate_.nodes += search.nodes;
    return search;
  }

  double slack() const;
  bool agrees(std::int64_t gain) const;
  void refute(const std::vector<std::size_t>& choices) const;
  bool settles(const std::vector<std::size_t>& choices);
  void prove_none_better(SearchSpec spec);
  void resolve(const SearchSpec& spec, std::vector<std::size_t> over);
  bool stopped(const Search& search);
  void accept(double objective);

  const Problem& problem_;
  const Solution& solution_;
  IntegerProgram program_;
  std::int64_t most_nodes_;
  Certificate certificate_;
};

/// How far the two cutoffs lie from the dynamic program's optimum, scaled.
double Certifier::slack() const {
  return std::max(agreement * program_.objective(solution_.gain), least_cutoff_slack);
}

/// Relative to the plan's gain, or to the largest single loss where gains cancel.
bool Certifier::agrees(std::int64_t gain) const {
  const double size = std::max(std::abs(static_cast<double>(solution_.gain)),
                               static_cast<double>(program_.largest_loss));
  return std::abs(static_cast<double>(gain - solution_.gain)) <= agreement * size;
}

/// A plan that truly fits and gains more refutes the dynamic program, however close it is.
void Certifier::refute(const std::vector<std::size_t>& choices) const {
  const std::int64_t gain = total_gain(problem_.groups, choices);
  if (gain > solution_.gain && fits(problem_, choices)) {
    throw disagreement("a plan of CBC gains " + std::to_string(gain) + ", that of record " +
                       std::to_string(solution_.gain));
  }
}

/// Whether CBC's plan ends the matter. One over the budget and no better than the plan of record
/// proves that even a slightly larger budget gains nothing.
bool Certifier::settles(const std::vector<std::size_t>& choices) {
  refute(choices);
  const std::int64_t gain = total_gain(problem_.groups, choices);
  check_excess(problem_, choices);
  if (gain > solution_.gain || !agrees(gain)) return false;
  accept(static_cast<double>(gain));
  return true;
}

void Certifier::accept(double objective) {
  const double gain = static_cast<double>(solution_.gain);
  certificate_.objective = objective;
  certificate_.relative_gap = std::abs(objective - gain) / std::max(1.0, std::abs(gain));
}

/// Whether CBC ran into its limit; then its bound is all there is to record. What it did find must
/// still not be better than the plan of record.
bool Certifier::stopped(const Search& search) {
  if (search.complete) return false;
  if (search.choices) refute(*search.choices);
  certificate_.proved = false;
  accept(static_cast<double>(program_.best_gain) - search.bound / program_.unit);
  return true;
}

/// CBC found nothing within the cutoff: it must also find nothing that is strictly better.
void Certifier::prove_none_better(SearchSpec spec) {
  spec.cutoff = program_.objective(solution_.gain) - std::max(slack(), program_.step() / 2);
  const Search search = run(spec);
  if (stopped(search)) return;
  if (search.choices) {
    throw disagreement("CBC lost the plan of record and found one that gains " +
                       std::to_string(total_gain(problem_.groups, *search.choices)));
  }
  accept(static_cast<double>(solution_.gain) + slack() / program_.unit);
}

/// CBC's plan gains more but is over the true budget by less than its tolerance. A margin excludes
/// all such plans at once; when the plan of record itself lies in the margin, they are excluded one
/// by one instead.
void Certifier::resolve(const SearchSpec& first, std::vector<std::size_t> over) {
  certificate_.resolved_with_margin = true;
  SearchSpec spec = first;
  spec.capacity = 1 - margin;
  const Search inside = run(spec);
  if (inside.complete && inside.choices && settles(*inside.choices)) return;
  spec = first;
  while (spec.excluded.size() < most_excluded) {
    spec.excluded.push_back(std::move(over));
    const Search search = run(spec);
    if (stopped(search)) return;
    if (!search.choices) return prove_none_better(spec);
    if (settles(*search.choices)) return;
    if (fits(problem_, *search.choices)) {
      throw disagreement("the best plan of CBC gains " +
                         std::to_string(total_gain(problem_.groups, *search.choices)) +
                         ", that of record " + std::to_string(solution_.gain));
    }
    over = *search.choices;
  }
  throw disagreement("more than " + std::to_string(most_excluded) +
                     " plans of CBC are over the budget by less than its tolerance");
}

Certificate Certifier::optimal() {
  SearchSpec spec;
  spec.cutoff = program_.objective(solution_.gain) + slack();
  const Search search = run(spec);
  if (stopped(search)) return certificate_;
  if (!search.choices) {
    prove_none_better(spec);
  } else if (!settles(*search.choices)) {
    if (fits(problem_, *search.choices)) {
      throw disagreement("the best plan of CBC gains " +
                         std::to_string(total_gain(problem_.groups, *search.choices)) +
                         ", that of record " + std::to_string(solution_.gain));
    }
    resolve(spec, *search.choices);
  }
  return certificate_;
}

Certificate Certifier::infeasible() {
  SearchSpec spec;
  Search search = run(spec);
  if (search.choices && !fits(problem_, *search.choices)) {
    check_excess(problem_, *search.choices);
    certificate_.resolved_with_margin = true;
    spec.capacity = 1 - margin;
    search = run(spec);
  }
  if (search.choices && fits(problem_, *search.choices)) {
    throw disagreement("CBC has a plan, the dynamic program none");
  }
  if (search.choices) throw disagreement("CBC's plans are over the budget even with a margin");
  certificate_.proved = search.complete;
  return certificate_;
}

}  // namespace

Certificate certify(const Problem& problem, const Solution& solution, std::int64_t most_nodes) {
  check_problem(problem);
  if (solution.termination == Termination::infeasible) {
    return Certifier(problem, solution, most_nodes).infeasible();
  }
  check_solution(problem, solution);
  return Certifier(problem, solution, most_nodes).optimal();
}

Solution branch_and_bound(const Problem& problem) {
  check_problem(problem);
  Solution solution;
  solution.least_cost = total_cost(problem.groups, cheapest(problem.groups));
  const IntegerProgram program(problem);
  SearchSpec spec;
  Search search = branch(program, spec);
  if (search.choices && !fits(problem, *search.choices)) {
    check_excess(problem, *search.choices);
    spec.capacity = 1 - margin;
    search = branch(program, spec);
  }
  if (!search.choices || !fits(problem, *search.choices)) return solution;
  solution.termination = Termination::optimal;
  solution.choices = *search.choices;
  solution.gain = total_gain(problem.groups, solution.choices);
  solution.cost = total_cost(problem.groups, solution.choices);
  return solution;
}

}  // namespace gainsweep::solve
