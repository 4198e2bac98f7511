#pragma once

#include <string>

#include "config/kind.hpp"

namespace gainsweep::config {

/// JSON Schema of specs: the keys that all kinds have, and those of each under its `experiment`.
std::string json_schema(const Kinds& kinds);

}  // namespace gainsweep::config
