#pragma once

#include "config/key.hpp"
#include "spec/spec.hpp"

namespace gainsweep::spec {

/// The keys of `evaluate:`.
config::Section describe(EvaluateSpec& evaluate);

}  // namespace gainsweep::spec
