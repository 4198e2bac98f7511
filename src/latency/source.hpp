#pragma once

#include <string>

#include "base/table.hpp"

namespace gainsweep::latency {

/// Where the times of configurations come from.
struct Source {
  std::string name;  ///< as specs spell it
};

/// `measured`: on the experiment's device.
Table<Source>& sources();

}  // namespace gainsweep::latency
