#pragma once

#include <string>

#include "base/table.hpp"

namespace gainsweep::latency {

/// Where the times of configurations come from.
struct Source {
  std::string name;  ///< as specs spell it
  bool is_measured;  ///< on the experiment's device; else a file that the spec names gives them
};

/// * measured: on the experiment's device
/// * modelled: of a device that a description tells the published figures of
/// * imported: from a timing table
Table<Source>& sources();

}  // namespace gainsweep::latency
