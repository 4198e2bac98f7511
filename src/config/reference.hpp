#pragma once

#include <string>

#include "config/kind.hpp"

namespace gainsweep::config {

/// Every key with type, default, bounds and meaning, as Markdown with a part for each kind.
std::string reference(const Kinds& kinds);

}  // namespace gainsweep::config
