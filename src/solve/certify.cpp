#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "solve/integer_program.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"
#include "solve/verification.hpp"

namespace gainsweep::solve {
namespace {

Error disagreement(const std::string& what) {
  return Error(ErrorKind::internal, "CBC and the dynamic program disagree (" + what +
                                        "). Keep the archive and report this.");
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
  if (gain > solution_.gain && is_feasible(problem_, choices)) {
    throw disagreement("a plan of CBC gains " + std::to_string(gain) + ", that of record " +
                       std::to_string(solution_.gain));
  }
}

/// Whether CBC's plan ends the matter. One over a limit and no better than the plan of record
/// proves that even slightly larger limits gain nothing.
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

/// CBC's plan gains more but is over a true limit by less than its tolerance. A margin excludes
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
    if (is_feasible(problem_, *search.choices)) {
      throw disagreement("the best plan of CBC gains " +
                         std::to_string(total_gain(problem_.groups, *search.choices)) +
                         ", that of record " + std::to_string(solution_.gain));
    }
    over = *search.choices;
  }
  throw disagreement("more than " + std::to_string(most_excluded) +
                     " plans of CBC are over a limit by less than its tolerance");
}

Certificate Certifier::optimal() {
  SearchSpec spec;
  spec.cutoff = program_.objective(solution_.gain) + slack();
  const Search search = run(spec);
  if (stopped(search)) return certificate_;
  if (!search.choices) {
    prove_none_better(spec);
  } else if (!settles(*search.choices)) {
    if (is_feasible(problem_, *search.choices)) {
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
  if (search.choices && !is_feasible(problem_, *search.choices)) {
    check_excess(problem_, *search.choices);
    certificate_.resolved_with_margin = true;
    spec.capacity = 1 - margin;
    search = run(spec);
  }
  if (search.choices && is_feasible(problem_, *search.choices)) {
    throw disagreement("CBC has a plan, the dynamic program none");
  }
  if (search.choices) throw disagreement("CBC's plans are over a limit even with a margin");
  certificate_.proved = search.complete;
  return certificate_;
}

}  // namespace

Certificate certify(const Problem& problem, const Solution& solution, std::int64_t most_nodes) {
  check_problem(problem);
  switch (solution.termination) {
    case Termination::infeasible:
      return Certifier(problem, solution, most_nodes).infeasible();
    case Termination::optimal:
      check_plan(problem, solution);
      return Certifier(problem, solution, most_nodes).optimal();
    case Termination::feasible:
    case Termination::unknown:
      break;
  }
  throw Error(ErrorKind::internal,
              "a solution that its solver did not finish was to be certified. Report this as a bug "
              "of gainsweep.");
}

}  // namespace gainsweep::solve
