#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "solve/problem.hpp"

namespace gainsweep::solve {

/// A selection within the limits that starts from another one: while that is over a limit, the
/// choice is changed that gives up least gain for the excess it removes; then the one that gains
/// most while the limits hold. Nothing when no single change removes an excess. Every choice of
/// `start` is within the limits by itself.
std::optional<std::vector<std::size_t>> repair(const Problem& problem,
                                               const std::vector<std::size_t>& start);

}  // namespace gainsweep::solve
