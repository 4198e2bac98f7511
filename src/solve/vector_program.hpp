#pragma once

#include <cstddef>

#include "solve/problem.hpp"

namespace gainsweep::solve {

/// `dynamic_program` for two or more resources, where each limit by itself can be kept: a list that
/// is exact by dominance entry by entry and pruned by Lagrangian bounds at the prices of the linear
/// relaxation. Where more than `most_states` selections would have to be kept, the best plan found
/// is `feasible`, or `unknown` without one. Leaves `least_cost` open.
Solution vector_program(const Problem& problem, std::size_t most_states);

}  // namespace gainsweep::solve
