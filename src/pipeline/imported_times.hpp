#pragma once

#include <optional>

#include "pipeline/given_times.hpp"
#include "timing_table/timing_table.hpp"

namespace gainsweep::pipeline {

/// The table of a spec whose times are imported; none where they are not. Error(config) where it is
/// of another workload.
std::optional<timing_table::TimingTable> read_imported(const spec::Spec& spec);

/// Formats that each op may take where time counts: those that the table has of its class, by OpId.
std::vector<std::vector<FormatId>> real_formats(const timing_table::TimingTable& table,
                                                const Layout& layout,
                                                const std::vector<std::string>& structures);

/// The table's times of every class; `layout` has the formats of real_formats. Classes that the
/// table does not hold stay high, with a note. Error(config) that lists every configuration in
/// reach of a class that it lacks: nothing is interpolated.
GivenTimes given_times(const timing_table::TimingTable& table, const Layout& layout,
                       const std::vector<std::string>& structures);

/// The times that the archive's table `imported_times` holds; none where there is none.
std::optional<gain::Times> to_imported_times(const archive::Contents& contents,
                                             const Layout& layout);

}  // namespace gainsweep::pipeline
