#pragma once

#include <string>

namespace gainsweep::disk {

/// The name of this machine, for names and messages; "unknown" where it has none.
std::string host_name();

}  // namespace gainsweep::disk
