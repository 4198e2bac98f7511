#include "solve/linearised.hpp"

#include <CbcModel.hpp>
#include <CoinPackedVector.hpp>
#include <OsiClpSolverInterface.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"

namespace gainsweep::solve {
namespace {

// CBC's tolerances are absolute: the largest number becomes this.
constexpr double largest_scaled = 1000;
constexpr double least_pair = 1e-7;
constexpr double primal_tolerance = 1e-9;
constexpr double least_improvement = 1e-6;

/// The program's columns: choices first, in the order of groups, then pairs.
class Linearised {
 public:
  explicit Linearised(const QuadraticProblem& problem) : problem_(problem) {
    double largest = 0;
    for (const auto& group : problem.groups) {
      first_.push_back(num_choices_);
      num_choices_ += static_cast<int>(group.size());
      for (const auto& choice : group) largest = std::max(largest, std::abs(choice.cost));
    }
    for (const auto& pair : problem.pairs) largest = std::max(largest, std::abs(pair.cost));
    if (largest > 0) unit_ = largest_scaled / largest;
    for (const auto& pair : problem.pairs) {
      if (std::abs(pair.cost) < least_pair * largest)
        left_out_ += std::min(pair.cost, 0.0);
      else
        pairs_.push_back(&pair);
    }
  }

  double unit() const { return unit_; }
  /// The least that pairs without a column add.
  double left_out() const { return left_out_; }

  void load(OsiClpSolverInterface& solver) const {
    const double infinity = solver.getInfinity();
    const CoinPackedVector nothing;
    for (const auto& group : problem_.groups)
      for (const auto& choice : group) solver.addCol(nothing, 0, 1, choice.cost * unit_);
    for (int column = 0; column < num_choices_; ++column) solver.setInteger(column);
    for (const auto* pair : pairs_) solver.addCol(nothing, 0, 1, pair->cost * unit_);
    for (std::size_t group = 0; group < problem_.groups.size(); ++group) {
      CoinPackedVector row;
      for (std::size_t c = 0; c < problem_.groups[group].size(); ++c) row.insert(at(group, c), 1);
      solver.addRow(row, 1, 1);
    }
    add_gain(solver, infinity);
    for (std::size_t p = 0; p < pairs_.size(); ++p) add_pair(solver, p, infinity);
  }

  std::vector<std::size_t> choices(const double* values) const {
    std::vector<std::size_t> found;
    for (std::size_t group = 0; group < problem_.groups.size(); ++group) {
      const auto* own = values + first_[group];
      found.push_back(static_cast<std::size_t>(
          std::max_element(own, own + problem_.groups[group].size()) - own));
    }
    return found;
  }

 private:
  int at(std::size_t group, std::size_t choice) const {
    return first_[group] + static_cast<int>(choice);
  }

  void add_gain(OsiClpSolverInterface& solver, double infinity) const {
    double largest = 1;
    for (const auto& group : problem_.groups)
      for (const auto& choice : group)
        largest = std::max(largest, std::abs(static_cast<double>(choice.gain)));
    CoinPackedVector row;
    for (std::size_t group = 0; group < problem_.groups.size(); ++group)
      for (std::size_t c = 0; c < problem_.groups[group].size(); ++c) {
        const auto gain = static_cast<double>(problem_.groups[group][c].gain);
        if (gain != 0) row.insert(at(group, c), gain / largest);
      }
    solver.addRow(row, static_cast<double>(problem_.least_gain) / largest, infinity);
  }

  void add_pair(OsiClpSolverInterface& solver, std::size_t place, double infinity) const {
    const auto& pair = *pairs_[place];
    const int both = num_choices_ + static_cast<int>(place);
    const int a = at(pair.group, pair.choice), b = at(pair.other_group, pair.other_choice);
    CoinPackedVector row;
    if (pair.cost > 0) {
      row.insert(a, 1);
      row.insert(b, 1);
      row.insert(both, -1);
      solver.addRow(row, -infinity, 1);
      return;
    }
    for (const int one : {a, b}) {
      CoinPackedVector at_most;
      at_most.insert(both, 1);
      at_most.insert(one, -1);
      solver.addRow(at_most, -infinity, 0);
    }
  }

  const QuadraticProblem& problem_;
  std::vector<int> first_;
  std::vector<const PairCost*> pairs_;
  int num_choices_ = 0;
  double unit_ = 1, left_out_ = 0;
};

}  // namespace

LinearisedSearch branch(const QuadraticProblem& problem, double cutoff, std::int64_t most_nodes) {
  const Linearised program(problem);
  OsiClpSolverInterface solver;
  solver.messageHandler()->setLogLevel(0);
  solver.getModelPtr()->setLogLevel(0);
  program.load(solver);
  solver.setDblParam(OsiPrimalTolerance, primal_tolerance);
  CbcModel model(solver);
  model.setLogLevel(0);
  model.messageHandler()->setLogLevel(0);
  model.solver()->messageHandler()->setLogLevel(0);
  model.setCutoffIncrement(least_improvement);
  model.setAllowableGap(0);
  model.setAllowableFractionGap(0);
  // Pairs without a column may make a plan cheaper than the program says.
  model.setCutoff((cutoff - program.left_out()) * program.unit());
  model.setMaximumNodes(
      static_cast<int>(std::min<std::int64_t>(most_nodes, std::numeric_limits<int>::max())));
  model.initialSolve();
  LinearisedSearch found;
  if (model.solver()->isProvenPrimalInfeasible() || model.solver()->isProvenDualInfeasible())
    return found;
  model.branchAndBound();
  found.nodes = model.getNodeCount();
  found.complete = model.status() == 0;
  found.bound = model.getBestPossibleObjValue() / program.unit() + program.left_out();
  if (!found.complete && !model.isNodeLimitReached())
    throw Error(ErrorKind::internal, "CBC stopped without a proof (status " +
                                         std::to_string(model.status()) + ", secondary status " +
                                         std::to_string(model.secondaryStatus()) +
                                         "). Keep the archive and report this.");
  if (model.bestSolution() != nullptr) found.choices = program.choices(model.bestSolution());
  return found;
}

}  // namespace gainsweep::solve
