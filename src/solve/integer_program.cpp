#include "solve/integer_program.hpp"

#include <CbcModel.hpp>
#include <CoinPackedVector.hpp>
#include <OsiClpSolverInterface.hpp>
#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.hpp"

namespace gainsweep::solve {
namespace {

constexpr double largest_scaled_loss = 1000;
// Far below the smallest difference that matters at the scales above, far above rounding.
constexpr double primal_tolerance = 1e-9;
constexpr double least_improvement = 1e-7;

/// The program's rows, by columns. Row 0 is the budget, row 1 + j says that group j takes one
/// choice.
struct Matrix {
  std::vector<CoinBigIndex> start{0};
  std::vector<int> row;
  std::vector<double> value;
};

Matrix matrix(const IntegerProgram& program) {
  Matrix result;
  for (const auto& column : program.columns) {
    if (column.weight > 0) {
      result.row.push_back(0);
      result.value.push_back(column.weight);
    }
    result.row.push_back(static_cast<int>(column.group) + 1);
    result.value.push_back(1);
    result.start.push_back(static_cast<CoinBigIndex>(result.row.size()));
  }
  return result;
}

void load(const IntegerProgram& program, double capacity, OsiClpSolverInterface& solver) {
  const std::size_t num_columns = program.columns.size();
  std::vector<double> column_lower(num_columns, 0.0);
  std::vector<double> column_upper(num_columns, 1.0);
  std::vector<double> objective;
  for (const auto& column : program.columns) objective.push_back(column.loss);
  std::vector<double> row_lower(program.num_groups + 1, 1.0);
  std::vector<double> row_upper(program.num_groups + 1, 1.0);
  row_lower[0] = -solver.getInfinity();
  row_upper[0] = capacity;
  const Matrix rows = matrix(program);
  solver.loadProblem(static_cast<int>(num_columns), static_cast<int>(row_lower.size()),
                     rows.start.data(), rows.row.data(), rows.value.data(), column_lower.data(),
                     column_upper.data(), objective.data(), row_lower.data(), row_upper.data());
  std::vector<int> every_column(num_columns);
  std::iota(every_column.begin(), every_column.end(), 0);
  solver.setInteger(every_column.data(), static_cast<int>(num_columns));
}

/// The row that only this selection violates.
void exclude(const IntegerProgram& program, const std::vector<std::size_t>& choices,
             OsiClpSolverInterface& solver) {
  CoinPackedVector row;
  for (std::size_t index = 0; index < program.columns.size(); ++index) {
    const auto& column = program.columns[index];
    if (choices[column.group] == column.choice) row.insert(static_cast<int>(index), 1.0);
  }
  solver.addRow(row, -solver.getInfinity(), static_cast<double>(program.num_groups) - 1);
}

std::vector<std::size_t> read_choices(const IntegerProgram& program, const double* values) {
  std::vector<std::size_t> choices(program.num_groups);
  std::vector<double> largest(program.num_groups, -1.0);
  for (std::size_t index = 0; index < program.columns.size(); ++index) {
    const auto& column = program.columns[index];
    if (values[index] <= largest[column.group]) continue;
    largest[column.group] = values[index];
    choices[column.group] = column.choice;
  }
  return choices;
}

}  // namespace

IntegerProgram::IntegerProgram(const Problem& problem) : num_groups(problem.groups.size()) {
  std::vector<std::int64_t> losses;
  for (std::size_t group = 0; group < num_groups; ++group) {
    const auto& choices = problem.groups[group];
    std::optional<std::int64_t> best;
    for (const Choice& choice : choices) {
      if (choice.cost <= problem.budget) best = std::max(best.value_or(choice.gain), choice.gain);
    }
    if (!best) {
      has_choices = false;
      continue;
    }
    best_gain += *best;
    for (std::size_t index = 0; index < choices.size(); ++index) {
      if (choices[index].cost > problem.budget) continue;
      const double weight = problem.budget > 0 ? choices[index].cost / problem.budget : 0;
      columns.push_back({group, index, 0, weight});
      losses.push_back(*best - choices[index].gain);
      largest_loss = std::max(largest_loss, losses.back());
      common_divisor = std::gcd(common_divisor, losses.back());
    }
  }
  if (largest_loss > 0) unit = largest_scaled_loss / static_cast<double>(largest_loss);
  for (std::size_t index = 0; index < columns.size(); ++index) {
    columns[index].loss = static_cast<double>(losses[index]) * unit;
  }
}

double IntegerProgram::objective(std::int64_t gain) const {
  return static_cast<double>(best_gain - gain) * unit;
}

double IntegerProgram::step() const {
  return static_cast<double>(common_divisor) * unit;
}

Search branch(const IntegerProgram& program, const SearchSpec& spec) {
  if (!program.has_choices) return {};
  if (program.columns.empty()) return {std::vector<std::size_t>{}};
  OsiClpSolverInterface solver;
  solver.messageHandler()->setLogLevel(0);
  solver.getModelPtr()->setLogLevel(0);
  // Left to itself, Clp may choose a method that prints, whatever the log level.
  ClpSolve method;
  method.setSolveType(ClpSolve::useDual);
  solver.setSolveOptions(method);
  load(program, spec.capacity, solver);
  for (const auto& choices : spec.excluded) exclude(program, choices, solver);
  solver.setDblParam(OsiPrimalTolerance, primal_tolerance);

  CbcModel model(solver);
  model.setLogLevel(0);
  model.messageHandler()->setLogLevel(0);
  model.solver()->messageHandler()->setLogLevel(0);
  // A better plan is better by a whole step; bytes and MACs of equal layers have large ones.
  model.setCutoffIncrement(std::max(least_improvement, 0.9 * program.step()));
  model.setAllowableGap(0);
  model.setAllowableFractionGap(0);
  if (spec.cutoff < std::numeric_limits<double>::infinity()) model.setCutoff(spec.cutoff);
  model.setMaximumNodes(
      static_cast<int>(std::min<std::int64_t>(spec.most_nodes, std::numeric_limits<int>::max())));
  model.initialSolve();
  if (model.solver()->isProvenPrimalInfeasible()) return {};
  model.branchAndBound();

  Search result;
  result.nodes = model.getNodeCount();
  result.complete = model.status() == 0;
  result.bound = model.getBestPossibleObjValue();
  if (!result.complete && !model.isNodeLimitReached()) {
    throw Error(ErrorKind::internal, "CBC stopped without a proof (status " +
                                         std::to_string(model.status()) + ", secondary status " +
                                         std::to_string(model.secondaryStatus()) +
                                         "). Keep the archive and report this.");
  }
  if (model.bestSolution() != nullptr) {
    result.choices = read_choices(program, model.bestSolution());
  }
  return result;
}

}  // namespace gainsweep::solve
