#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archive/table.hpp"
#include "gain/time_table.hpp"
#include "model/model.hpp"
#include "pipeline/layout.hpp"
#include "roofline/description.hpp"
#include "spec/spec.hpp"

/// Times that nobody measures here: a file that the spec names gives them.
namespace gainsweep::pipeline {

/// A description of a device with the digest of its file.
struct Modelled {
  roofline::Description description;
  std::string digest;
};

/// The description of a spec whose times are modelled; none where they are not.
std::optional<Modelled> read_modelled(const spec::LatencySpec& latency);

/// What of an op's formats a description has rates for, the high one first: FormatIds.
/// Error(config) where the high one has none.
std::vector<FormatId> real_formats(const Modelled& modelled, const graph::Op& op,
                                   const std::vector<format::Format>& formats);

/// Published rates of products by FormatId, relative to the high one's; 0 where there is none.
std::vector<double> relative_rates(const Modelled& modelled,
                                   const std::vector<format::Format>& formats);

/// Times by sub-graph with what an archive has of them: the tables `time_source`, `modelled_runs`
/// and `modelled_times`.
struct GivenTimes {
  gain::Times times;
  std::vector<archive::Table> tables;
  std::string whence;  ///< "modelled of gaudi2"
  std::string digest;  ///< of the file
  std::vector<model::Note> notes;
};

/// Models every configuration of every class of sub-graphs in the latency workload; `graph` is its
/// graph. Error(config) where the description has a rate for none of the low formats.
GivenTimes given_times(const Modelled& modelled, const Layout& layout, const graph::Graph& graph);

/// The times that such tables of an archive hold; none where there are no such tables.
std::optional<gain::Times> to_given_times(const archive::Contents& contents, const Layout& layout);

}  // namespace gainsweep::pipeline
