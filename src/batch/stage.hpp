#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "batch/results.hpp"
#include "batch/unit.hpp"

namespace gainsweep::batch {

/// The units that a stage calls for, by what is known.
struct Call {
  std::vector<Unit> units;   ///< finished ones included; each key once
  std::size_t may_come = 0;  ///< at most so many more once these are over
  /// What is left out, and because of which failed unit; a sentence each. The rest goes on.
  std::vector<std::string> obstacles;
  /// Units of earlier stages are missing, so keys stand for the real ones (equal where those will
  /// be equal) and nothing may be run.
  bool is_forecast = false;
};

/// What a stage is going to hold on one rank at the peak, beside what the process has anyway.
struct Memory {
  std::int64_t rank_bytes = 0;    ///< of its own
  std::int64_t mapped_bytes = 0;  ///< of files, shared by the ranks of a node
  std::string ways_out;  ///< what makes it less, as it follows "or": "make samples shorter"
};

/// Units that can be called for at once or one after another.
struct Stage {
  std::string name;
  /// A pure reader of results, equal on every rank: it names units and does no work, for every rank
  /// calls it again after every exchange.
  std::function<Call(const Results&)> call;
  /// Seconds that units are going to take one rank.
  std::function<double(std::span<const Unit> units, std::size_t may_come)> cost;
  std::function<Memory()> memory;
  std::function<void()> leave = {};  ///< frees what its units shared
};

}  // namespace gainsweep::batch
