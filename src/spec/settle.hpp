#pragma once

#include <string>
#include <vector>

#include "config/kind.hpp"
#include "spec/plan_draft.hpp"

namespace gainsweep::spec {

/// Fits defaults to what is written, so that nobody is refused for a number that he never wrote.
void settle(Parts& parts, const config::Written& written);

/// What `settle` does, as sentences for the reference.
std::vector<std::string> settled();

}  // namespace gainsweep::spec
