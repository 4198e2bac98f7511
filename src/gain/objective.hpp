#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/table.hpp"
#include "format/format.hpp"
#include "gain/gain.hpp"
#include "gain/time_table.hpp"
#include "graph/partition.hpp"

namespace gainsweep::gain {

/// What gains follow from.
struct Facts {
  const graph::Partition& partition;
  const std::vector<format::Format>& formats;  ///< by FormatId
  std::vector<double> mac_rates;               ///< by FormatId
  const std::optional<Times>& times;
  Counting counting = Counting::lower;  ///< of measured savings
  double bytes_beside = 0;  ///< that a card holds beside the ops' weights, whatever the plan
};

/// What a plan saves.
struct Objective {
  std::string name;
  std::string title;  ///< what is saved, in few words: "multiply-accumulates"
  std::string help;   ///< the same in full, a noun phrase without a full stop
  std::string unit;   ///< of its gains: "1e-9", "1" or "byte"
  bool of_times;      ///< its gains follow from times
  std::function<GainTable(const Facts&)> gains;
  /// What the all-high model takes, in the gains' unit.
  std::function<double(const Facts&)> whole;
};

/// * time: gains of the time tables, in parts per 10⁹ of an all-high run. Error(config) where there
///   are none
/// * macs: theoretical time, multiply-accumulates at rate 1: `Σ_op MACs · (1/rate_high − 1/rate_f)`
/// * memory: bytes of weights and their scales. A weight that something else reads too (a tied
///   embedding) keeps its high copy, so its gain is negative
Table<Objective>& objectives();

}  // namespace gainsweep::gain
