#pragma once

#include "config/key.hpp"
#include "spec/spec.hpp"

namespace gainsweep::spec {

/// The keys of `model:` and `calibration:`.
config::Section describe(ModelSpec& model);
config::Section describe(CalibrationSpec& calibration);

}  // namespace gainsweep::spec
