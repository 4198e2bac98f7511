#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/table.hpp"
#include "gain/objective.hpp"

namespace gainsweep::gain {

/// Something of which a plan may only take so much, beside the loss error. Exact programs add it up
/// over sub-graphs, so it is charged by configuration.
struct Resource {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  std::string unit;
  std::string objective;  ///< what saves it: a row of objectives()
  bool of_times;          ///< it follows from times
  /// What each configuration of a gain table takes, by [sub-graph][configuration]: ≥ 0, infinite
  /// where a configuration cannot be had.
  std::function<std::vector<std::vector<double>>(const Facts&, const GainTable&)> charges;
  /// How large the sum of charges may be for an amount that a spec allows; may be negative where no
  /// plan takes so little.
  std::function<double(const Facts&, double allowed)> limit;
};

/// * bytes: of weights and their scales, the high copy of a shared weight included
/// * bits: the same as mean bits a weight
/// * card_bytes: the same with all else that a card holds: Facts::bytes_beside
/// * seconds: of a run: its part of an all-high run times the quietest baseline. A configuration is
///   charged what it costs against the fastest of its sub-graph, as savings are counted.
///   Error(config) where nothing was timed
Table<Resource>& resources();

}  // namespace gainsweep::gain
