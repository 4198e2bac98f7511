#pragma once

#include <memory>

#include "pipeline/enumerate.hpp"

namespace gainsweep::pipeline {

/// Runs units on this process's device. Keeps what consecutive units share (converted weights,
/// programs) and drops it when the stage changes.
class Workbench {
 public:
  explicit Workbench(const Experiment& experiment);
  ~Workbench();

  /// The record of a unit; `results` holds those of earlier stages. Throws what the stage throws,
  /// with the unit's label as context.
  archive::Record run(const Unit& unit, const Results& results);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gainsweep::pipeline
