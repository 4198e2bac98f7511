#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "solve/selection.hpp"

namespace gainsweep::solve {

/// A multiple-choice knapsack as CBC gets it. Numbers are scaled, because CBC's tolerances are
/// absolute: the row of each limit is divided by the limit, and the objective is each choice's loss
/// against the largest gain of its group, times a factor that makes the largest loss 1000.
struct IntegerProgram {
  explicit IntegerProgram(const Problem& problem);

  /// One column of the program.
  struct Column {
    std::size_t group = 0;
    std::size_t choice = 0;
    double loss = 0;
    Resources weight{};  ///< cost / limit
  };

  std::size_t num_groups = 0;
  std::size_t num_resources = 0;
  std::vector<Column> columns;    ///< the choices that fit the limits alone, in group order
  std::int64_t best_gain = 0;     ///< summed largest gain of each group's columns
  double unit = 1;                ///< scaled loss of one unit of gain
  std::int64_t largest_loss = 0;  ///< in units of gain
  bool has_choices = true;        ///< false when a group has no column

  std::int64_t common_divisor = 0;  ///< of all losses, in units of gain

  /// Scaled difference that any two selections of unequal gain have at least.
  double step() const;

  /// Scaled objective of a selection that gains `gain`.
  double objective(std::int64_t gain) const;
};

/// What CBC found. The plan minimises the program's objective.
struct Search {
  std::optional<std::vector<std::size_t>> choices;  ///< none when CBC found none
  std::int64_t nodes = 0;
  bool complete = true;  ///< false when the limit of nodes ended the search
  double bound = 0;      ///< if not complete: no selection has a smaller scaled objective
};

/// How to run CBC on a program.
struct SearchSpec {
  double capacity = 1;  ///< right-hand side of the scaled rows of the limits
  double cutoff = std::numeric_limits<double>::infinity();  ///< on the scaled objective
  std::int64_t most_nodes = std::numeric_limits<int>::max();
  std::vector<std::vector<std::size_t>> excluded;  ///< selections that do not count
};

/// The linear relaxation of a program. Where even that has no solution, the least excess over the
/// limits is relaxed as well.
struct LinearRelaxation {
  Resources price{};                 ///< scaled loss that a whole limit is worth, ≥ 0
  std::vector<std::size_t> rounded;  ///< each group's largest share; may be over the limits
};

/// Solves the relaxation with Clp, silently, for a program that has choices.
LinearRelaxation relax(const IntegerProgram& program);

/// Solves the program with CBC, silently. Error(internal) when CBC gives up before its limit.
Search branch(const IntegerProgram& program, const SearchSpec& spec);

}  // namespace gainsweep::solve
