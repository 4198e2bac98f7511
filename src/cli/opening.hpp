#pragma once

#include "pipeline/experiment.hpp"
#include "spec/spec.hpp"

namespace gainsweep::cli {

/// Starts number `device` of the devices of a point's spec with its threads and opens its
/// experiment; `other` lends its model where it is the same (a default one has none). Errors name
/// the point.
pipeline::Experiment open(const spec::Point& point, const pipeline::Experiment& other = {},
                          std::size_t device = 0);

}  // namespace gainsweep::cli
