#pragma once

#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/problems.hpp"
#include "config/sweep.hpp"

/// Settings, `PATH=VALUE`: what the command line changes in a spec. The i-th stands on line -1-i.
namespace gainsweep::config {

/// Puts the values of settings into a document, the last of one path last.
void apply(const std::vector<std::string>& settings, Node& document, Problems& problems);

/// Reports settings that a sweep would overwrite.
void refuse_swept(const std::vector<std::string>& settings, const std::vector<Axis>& axes,
                  Problems& problems);

}  // namespace gainsweep::config
