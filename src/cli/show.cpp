#include <algorithm>
#include <iostream>

#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/command.hpp"
#include "cli/opening.hpp"
#include "disk/replace.hpp"
#include "graph/print.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/scales.hpp"
#include "spec/read.hpp"

namespace gainsweep::cli {
namespace {

graph::Assignment everything_low(const pipeline::Subject& subject,
                                 const std::optional<std::string>& wanted, bool real) {
  const auto& layout = subject.layout;
  FormatId format{1};
  if (wanted) {
    const auto found = std::find_if(layout.formats.begin(), layout.formats.end(),
                                    [&](const auto& known) { return known.name == *wanted; });
    if (found == layout.formats.end())
      throw Error(ErrorKind::config,
                  "--format " + *wanted + " is not among the spec's formats. Add it there.");
    format = {static_cast<std::size_t>(found - layout.formats.begin())};
  }
  graph::Assignment assignment(layout.partition.ops.size(), format);
  for (std::size_t i = 0; i < assignment.size(); ++i) {
    const auto& known = layout.real_formats[i];
    if (real && std::find(known.begin(), known.end(), format) == known.end())
      assignment[i] = high_format;
  }
  return assignment;
}

graph::Graph wanted_graph(const pipeline::Subject& subject, pipeline::Shelf& shelf,
                          const ShowOptions& options) {
  const auto& layout = subject.layout;
  const auto& ops = layout.partition.ops;
  const std::vector<std::string> known{"model", "observed", "probed", "fake_quantized", "lowered"};
  const auto& wanted = *options.graph;
  if (wanted == "model") return *subject.graph;
  if (wanted == "observed") return lower::observe(*subject.graph, ops);
  if (wanted == "probed") return lower::probe(*subject.graph, ops);
  if (wanted == "fake_quantized") {
    const auto precision = pipeline::evaluation_precision(subject.spec);
    return lower::fake_quantize(
        *subject.graph, ops, everything_low(subject, options.format, false), layout.formats,
        pipeline::in_precision(pipeline::observe_now(subject), ops, precision));
  }
  if (wanted == "lowered") {
    const auto whole = pipeline::latency_graph(subject, shelf);
    const auto partition = graph::partition(*whole, subject.spec.partition, layout.formats.size());
    return lower::lower(*whole, partition, everything_low(subject, options.format, true),
                        layout.formats, pipeline::observe_now(subject), *subject.target);
  }
  const auto meant = closest(wanted, known);
  throw Error(ErrorKind::config, "--graph " + wanted + " is not a graph of gainsweep" +
                                     (meant.empty() ? "" : " (did you mean " + meant + "?)") +
                                     ". Give model, observed, probed, fake_quantized or lowered.");
}

std::vector<spec::Point> wanted_points(const ShowOptions& options) {
  auto points = spec::load_points(options.spec.path, options.spec.settings);
  if (!options.point) return points;
  if (*options.point >= points.size())
    throw Error(ErrorKind::config, "--point " + std::to_string(*options.point) +
                                       " is not there: the spec's points are 0 to " +
                                       std::to_string(points.size() - 1) + ".");
  return {points[*options.point]};
}

// Several specs as the documents of one YAML stream.
void print(const std::vector<spec::Point>& points) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points.size() > 1)
      std::cout << "--- # point " << i << ": " << spec::text_of(points[i].parameters) << "\n";
    std::cout << spec::resolved(points[i].spec);
  }
}

}  // namespace

int show(const ShowOptions& options) {
  if (options.schema || options.reference) {
    std::cout << (options.schema ? spec::json_schema() : spec::reference());
    return 0;
  }
  const auto points = wanted_points(options);
  if (!options.graph) {
    if (options.dot || options.format)
      throw Error(ErrorKind::config, "--dot and --format need --graph. Add --graph model.");
    print(points);
    return 0;
  }
  if (points.size() > 1)
    throw Error(ErrorKind::config, "the spec has " + std::to_string(points.size()) +
                                       " points and --graph shows one. Choose it with --point.");
  pipeline::Shelf shelf;
  const auto subject = open_unmeasured(points.front(), shelf);
  if (const auto device = not_looked_for(subject.spec.device); !device.empty())
    log_line("gainsweep: " + device + "; what this graph holds follows from the spec");
  const auto graph = wanted_graph(subject, shelf, options);
  const bool same_ops = *options.graph == "model";
  const auto dot = graph::to_dot(graph, same_ops ? &subject.layout.partition : nullptr);
  if (!options.dot)
    std::cout << graph::to_text(graph);
  else if (*options.dot == "-")
    std::cout << dot;
  else
    disk::replace(*options.dot, dot, disk::Durability::passing);
  return 0;
}

}  // namespace gainsweep::cli
