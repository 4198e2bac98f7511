#pragma once

#include <string>
#include <vector>

#include "config/kind.hpp"
#include "spec/plan_draft.hpp"

namespace gainsweep::spec {

/// Reports what is wrong between keys that are sound one by one. Where a sweep varies the formats,
/// a point need not use every format that the spec says something of.
void check(const Parts& parts, const config::Written& written, config::Problems& problems);

/// The rules that `check` holds specs to, as sentences for the reference.
std::vector<std::string> rules();

}  // namespace gainsweep::spec
