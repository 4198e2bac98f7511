#pragma once

#include <string>

#include "config/kind.hpp"

namespace gainsweep::config {

/// A spec as YAML with every default written out; reading it gives an equal draft.
std::string resolved(const Kind& kind, Draft& draft, const Kinds& kinds);

}  // namespace gainsweep::config
