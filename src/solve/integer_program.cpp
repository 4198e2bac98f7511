#include "solve/integer_program.hpp"

#include <CbcModel.hpp>
#include <CoinPackedVector.hpp>
#include <OsiClpSolverInterface.hpp>
#include <algorithm>
#include <numeric>
#include <string>

#include "base/error.hpp"
#include "solve/selection.hpp"

namespace gainsweep::solve {
namespace {

constexpr double largest_scaled_loss = 1000;
// Far below the smallest difference that matters at the scales above, far above rounding.
constexpr double primal_tolerance = 1e-9;
constexpr double least_improvement = 1e-7;

/// The program's rows, by columns. The first rows are the limits, one a resource; the row of group
/// j behind them says that it takes one choice.
struct Matrix {
  std::vector<CoinBigIndex> start{0};
  std::vector<int> row;
  std::vector<double> value;
};

Matrix matrix(const IntegerProgram& program) {
  Matrix result;
  for (const auto& column : program.columns) {
    for (std::size_t resource = 0; resource < program.num_resources; ++resource) {
      if (column.weight[resource] <= 0) continue;
      result.row.push_back(static_cast<int>(resource));
      result.value.push_back(column.weight[resource]);
    }
    result.row.push_back(static_cast<int>(program.num_resources + column.group));
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
  std::vector<double> row_lower(program.num_resources + program.num_groups, 1.0);
  std::vector<double> row_upper(program.num_resources + program.num_groups, 1.0);
  for (std::size_t resource = 0; resource < program.num_resources; ++resource) {
    row_lower[resource] = -solver.getInfinity();
    row_upper[resource] = capacity;
  }
  const Matrix rows = matrix(program);
  solver.loadProblem(static_cast<int>(num_columns), static_cast<int>(row_lower.size()),
                     rows.start.data(), rows.row.data(), rows.value.data(), column_lower.data(),
                     column_upper.data(), objective.data(), row_lower.data(), row_upper.data());
  std::vector<int> every_column(num_columns);
  std::iota(every_column.begin(), every_column.end(), 0);
  solver.setInteger(every_column.data(), static_cast<int>(num_columns));
}

/// Left to itself, Clp may choose a method that prints, whatever the log level.
void silence(OsiClpSolverInterface& solver) {
  solver.messageHandler()->setLogLevel(0);
  solver.getModelPtr()->setLogLevel(0);
  ClpSolve method;
  method.setSolveType(ClpSolve::useDual);
  solver.setSolveOptions(method);
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

IntegerProgram::IntegerProgram(const Problem& problem)
    : num_groups(problem.groups.size()), num_resources(problem.limits.size()) {
  std::vector<std::int64_t> losses;
  for (std::size_t group = 0; group < num_groups; ++group) {
    const auto& choices = problem.groups[group];
    std::optional<std::int64_t> best;
    for (const Choice& choice : choices) {
      if (fits(choice.cost, problem.limits))
        best = std::max(best.value_or(choice.gain), choice.gain);
    }
    if (!best) {
      has_choices = false;
      continue;
    }
    best_gain += *best;
    for (std::size_t index = 0; index < choices.size(); ++index) {
      if (!fits(choices[index].cost, problem.limits)) continue;
      Column column{group, index};
      for (std::size_t resource = 0; resource < num_resources; ++resource) {
        const double limit = problem.limits[resource];
        column.weight[resource] = limit > 0 ? choices[index].cost[resource] / limit : 0;
      }
      columns.push_back(column);
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

LinearRelaxation relax(const IntegerProgram& program) {
  LinearRelaxation result;
  if (program.columns.empty()) return result;
  OsiClpSolverInterface solver;
  silence(solver);
  load(program, 1, solver);
  // An excess that all limits share makes every relaxation solvable. Its penalty is above what any
  // loss could make up for, and low enough for the tolerances.
  CoinPackedVector excess;
  for (std::size_t resource = 0; resource < program.num_resources; ++resource) {
    excess.insert(static_cast<int>(resource), -1.0);
  }
  const double penalty = 10 * largest_scaled_loss * static_cast<double>(program.num_groups);
  solver.addCol(excess, 0.0, solver.getInfinity(), penalty);
  solver.initialSolve();
  result.rounded = read_choices(program, solver.getColSolution());
  for (std::size_t resource = 0; resource < program.num_resources; ++resource) {
    result.price[resource] = std::max(0.0, -solver.getRowPrice()[resource]);
  }
  return result;
}

Search branch(const IntegerProgram& program, const SearchSpec& spec) {
  if (!program.has_choices) return {};
  if (program.columns.empty()) return {std::vector<std::size_t>{}};
  OsiClpSolverInterface solver;
  silence(solver);
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
