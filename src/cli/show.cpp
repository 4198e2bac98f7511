#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "base/error.hpp"
#include "cli/command.hpp"
#include "cli/opening.hpp"
#include "graph/print.hpp"
#include "pipeline/experiment.hpp"
#include "scale/observe.hpp"
#include "spec/read.hpp"

namespace gainsweep::cli {
namespace {

graph::Assignment everything_low(const pipeline::Experiment& experiment,
                                 const std::optional<std::string>& wanted, bool real) {
  const auto& layout = experiment.layout;
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

// Static scales stand in the graph, so they are observed first, as a run does.
lower::Maxima observed_maxima(const pipeline::Experiment& experiment) {
  if (!pipeline::needs_maxima(experiment.spec)) return {};
  const auto& ops = experiment.layout.partition.ops;
  const auto& spec = experiment.spec;
  execute::Parameters parameters(experiment.model->checkpoint, spec.device,
                                 spec.sensitivity.precision);
  execute::Program program(lower::observe(experiment.graph, ops), parameters);
  std::vector<lower::Maxima> maxima;
  for (std::int64_t i = 0; i < spec.calibration.scale_samples; ++i)
    maxima.push_back(scale::observe(
        program,
        execute::make_inputs(experiment.graph, experiment.calibration[static_cast<std::size_t>(i)],
                             spec.device),
        ops));
  return scale::merge(maxima);
}

graph::Graph wanted_graph(const pipeline::Experiment& experiment, const ShowOptions& options) {
  const auto& layout = experiment.layout;
  const auto& ops = layout.partition.ops;
  const std::vector<std::string> known{"model", "observed", "probed", "fake_quantized", "lowered"};
  const auto& wanted = *options.graph;
  if (wanted == "model") return experiment.graph;
  if (wanted == "observed") return lower::observe(experiment.graph, ops);
  if (wanted == "probed") return lower::probe(experiment.graph, ops);
  if (wanted == "fake_quantized")
    return lower::fake_quantize(experiment.graph, ops,
                                everything_low(experiment, options.format, false), layout.formats,
                                observed_maxima(experiment));
  if (wanted == "lowered") {
    const auto partition = graph::partition(experiment.latency_graph, experiment.spec.partition,
                                            layout.formats.size());
    return lower::lower(experiment.latency_graph, partition,
                        everything_low(experiment, options.format, true), layout.formats,
                        observed_maxima(experiment), experiment.target);
  }
  const auto meant = closest(wanted, known);
  throw Error(ErrorKind::config, "--graph " + wanted + " is not a graph of gainsweep" +
                                     (meant.empty() ? "" : " (did you mean " + meant + "?)") +
                                     ". Give model, observed, probed, fake_quantized or lowered.");
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream stream(path);
  stream << text;
  stream.close();
  if (!stream) throw Error(ErrorKind::environment, "cannot write " + path.string());
}

void draw(const std::string& dot, const std::filesystem::path& svg) {
  std::string quoted;
  for (const char c : svg.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  std::FILE* pipe = popen(("dot -Tsvg -o '" + quoted + "'").c_str(), "w");
  const bool written =
      pipe != nullptr && std::fwrite(dot.data(), 1, dot.size(), pipe) == dot.size();
  const int status = pipe == nullptr ? -1 : pclose(pipe);
  if (!written || status != 0)
    throw Error(ErrorKind::environment,
                "dot could not draw " + svg.string() +
                    ". Install Graphviz, or write --dot and draw it elsewhere.");
}

std::vector<spec::Point> wanted_points(const ShowOptions& options) {
  auto points = spec::load_points(options.spec);
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
    if (options.dot || options.svg || options.format)
      throw Error(ErrorKind::config, "--dot, --svg and --format need --graph. Add --graph model.");
    print(points);
    return 0;
  }
  if (points.size() > 1)
    throw Error(ErrorKind::config, "the spec has " + std::to_string(points.size()) +
                                       " points and --graph shows one. Choose it with --point.");
  const auto experiment = open(points.front());
  const auto graph = wanted_graph(experiment, options);
  const bool same_ops = *options.graph == "model";
  const auto dot = graph::to_dot(graph, same_ops ? &experiment.layout.partition : nullptr);
  if (options.dot) write_text(*options.dot, dot);
  if (options.svg) draw(dot, *options.svg);
  if (!options.dot && !options.svg) std::cout << graph::to_text(graph);
  return 0;
}

}  // namespace gainsweep::cli
