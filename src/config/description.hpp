#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/key.hpp"
#include "config/spec.hpp"

namespace gainsweep::config {

/// A spec while it is read or printed, with its formats still in the parts that the YAML has:
/// names, and one set of properties for each format that can be lowered to with a scale.
struct Draft {
  Spec spec;  ///< formats excepted
  std::string high;
  std::vector<std::string> low;
  std::vector<format::Format>
      scaled;  ///< all known formats with a scale rule; defaults or as written
  std::int64_t configuration_limit = 0;
};

/// All defaults.
Draft make_draft();

/// The parts of a spec.
Draft make_draft(const Spec& spec);

/// The spec of its parts; `high` and `low` must be names of formats.
Spec assemble(const Draft& draft);

/// Every key of a spec, bound to the draft, which must outlive it. The one place where keys are
/// declared: reader, printer, JSON Schema and reference walk it.
Section describe(Draft& draft);

}  // namespace gainsweep::config
