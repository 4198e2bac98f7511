#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "parallel/comm.hpp"

namespace gainsweep::parallel {

/// The devices of one kind that a rank may use, by names that are equal for the same device on all
/// ranks of its node.
struct DeviceView {
  int rank = 0;  ///< in the job
  std::vector<std::string> devices;
};

/// The device of the rank at place `local` among a node's ranks, as an index into what it sees.
/// Each takes the first that no rank before it has: its own place where all see the same devices,
/// the only one where the launcher gave each one device. Error(environment) naming two ranks and
/// the device that they would share.
std::size_t device_of(std::size_t local, const std::vector<DeviceView>& node,
                      const std::string& kind, const std::string& node_name);

/// Collective. This rank's device by device_of. SharedError as above.
std::size_t own_device(const Comm& comm, const std::string& kind,
                       const std::vector<std::string>& devices);

}  // namespace gainsweep::parallel
