#pragma once

#include <string>
#include <vector>

#include "base/table.hpp"
#include "sensitivity/measured_error.hpp"

/// What a threshold bounds of a plan that was measured.
namespace gainsweep::sensitivity {

/// What was measured of a plan, by sample; in the same order for all plans.
struct Searched {
  std::vector<double> losses;
  std::vector<double> divergences;  ///< empty where models give no class scores, as are the next
  std::vector<double> noises;
  std::vector<double> agreements;
  std::vector<double> top1;  ///< empty, too, where samples have no targets
};

/// A row of the table of metrics: the less, the better.
struct Metric {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  /// Of a plan beside all-high, with its standard error over samples. Error(internal) without
  /// samples, when their numbers differ, or when what it is made of was not measured.
  MeasuredError (*of)(const Searched& all_high, const Searched& plan);
  bool needs_targets = false;
};

/// * loss_error: τ, see measured_error
/// * divergence: the mean divergence of predictions from all-high's, nat
/// * accuracy: what is lost of the part that is right, relative to all-high's: 0.01 keeps 99 %. The
///   standard error is that of the paired difference, and N targets tell steps of 1/N alone
/// * agreement: the part of the targets whose likeliest class is not all-high's
const Table<Metric>& metrics();

}  // namespace gainsweep::sensitivity
