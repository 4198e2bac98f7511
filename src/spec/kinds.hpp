#pragma once

#include "config/kind.hpp"

namespace gainsweep::spec {

/// The kinds of experiments that specs describe, a row each.
const config::Kinds& kinds();

}  // namespace gainsweep::spec
