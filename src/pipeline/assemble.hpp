#pragma once

#include "archive/table.hpp"
#include "pipeline/enumerate.hpp"

namespace gainsweep::pipeline {

/// Tables of everything computed: layout, gains, and a row for each finished unit that the spec
/// still calls for (records of units that an earlier form of the spec asked for are left out).
std::vector<archive::Table> assemble(const Experiment& experiment, const Results& results);

/// The same from an archive's measurements and new plans; `spec` is the new one.
std::vector<archive::Table> assemble(const archive::Contents& old, const Layout& layout,
                                     const spec::Spec& spec, const Decision& decision,
                                     std::vector<archive::Record> plans);

/// Scores and timings of an archive, as the units of its own spec left them.
Measured to_measured(const archive::Contents& contents, const Layout& layout,
                     const spec::Spec& spec);

}  // namespace gainsweep::pipeline
