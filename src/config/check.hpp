#pragma once

#include <string>
#include <vector>

#include "config/description.hpp"
#include "config/problems.hpp"
#include "config/reader.hpp"

namespace gainsweep::config {

/// Reports what is wrong between keys that are sound one by one. `lines` are those of the spec.
/// Where a sweep varies the formats, a point need not use every format that the spec says something
/// of.
void check(const Draft& draft, const Lines& lines, bool formats_vary, Problems& problems);

/// The rules that `check` holds specs to, as sentences for the reference.
std::vector<std::string> rules();

}  // namespace gainsweep::config
