#pragma once

#include <cstddef>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

constexpr double agreement = 1e-6;  ///< relative, of objectives
constexpr double margin = 1e-6;     ///< relative, of the limits
constexpr double least_cutoff_slack =
    1e-4;                                  ///< of the scaled objective: far above CBC's tolerances
constexpr std::size_t most_excluded = 64;  ///< plans of CBC that are over a limit within `margin`

/// Whether a solution has a plan.
bool has_plan(const Solution& solution);

/// Whether a selection keeps the limits.
bool is_feasible(const Problem& problem, const std::vector<std::size_t>& choices);

/// Refuses with Error(internal) a plan of CBC that breaks a limit by more than its tolerances
/// explain.
void check_excess(const Problem& problem, const std::vector<std::size_t>& choices);

/// Refuses with Error(internal) a plan whose choices do not make its gain and cost, or break a
/// limit.
void check_plan(const Problem& problem, const Solution& solution);

}  // namespace gainsweep::solve
