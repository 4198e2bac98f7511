#pragma once

#include <string>

#include "config/key.hpp"

namespace gainsweep::config {

/// What a value points at, as YAML on one line that reads back to the same. Not for sections.
std::string value_text(const Value& value);

}  // namespace gainsweep::config
