#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "solve/quadratic.hpp"

namespace gainsweep::solve {

/// What CBC found of a quadratic program.
struct LinearisedSearch {
  std::optional<std::vector<std::size_t>> choices;  ///< of less cost than the cutoff; none: none
  std::int64_t nodes = 0;
  bool complete = true;  ///< nothing costs less than the choices, or than the cutoff
  double bound = 0;      ///< if not complete: no selection costs less
};

/// CBC on the linearised program, silently: a column y for each pair of choices, y ≥ b + b' − 1
/// where both together cost more, y ≤ b and y ≤ b' where they cost less. Pairs below 1e-7 of the
/// largest number are left out, which their sum then adds to the bound. `cutoff` is the cost of a
/// selection that is known. Error(internal) when CBC gives up before its limit of nodes.
LinearisedSearch branch(const QuadraticProblem& problem, double cutoff, std::int64_t most_nodes);

}  // namespace gainsweep::solve
