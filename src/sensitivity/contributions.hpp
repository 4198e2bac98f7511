#pragma once

#include <span>
#include <vector>

#include "execute/probe.hpp"
#include "format/format.hpp"
#include "graph/graph.hpp"

namespace gainsweep::sensitivity {

/// What each sample adds to an op's loss error in a format, nat²: the terms whose mean is `d`.
/// [record][op][FormatId], 0 for the high format.
using Contributions = std::vector<std::vector<std::vector<double>>>;

/// Scores of samples, of which the sums are taken in order, and what they are of.
struct Scores {
  std::span<const execute::ProbeRecord> records;
  const std::vector<graph::Op>& ops;
  const std::vector<format::Format>& formats;  ///< by FormatId
};

}  // namespace gainsweep::sensitivity
