#pragma once

#include <algorithm>
#include <chrono>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "execute/probe.hpp"
#include "lower/pass.hpp"

/// Scoring passes of one sample, for benchmarks.
namespace benchmark {

using namespace gainsweep;

/// What is scored: a graph that gives its mean loss, and a sample.
struct Scored {
  const graph::Graph& graph;
  const std::vector<graph::Op>& ops;
  execute::Parameters& parameters;
  const execute::Inputs& inputs;
};

/// Those that a line names after its first word; three where it names none.
inline std::vector<format::Format> low_formats(const std::string& line) {
  std::istringstream words(line);
  std::vector<format::Format> formats;
  words.ignore(std::numeric_limits<std::streamsize>::max(), ' ');
  for (std::string name; words >> name;) formats.push_back(format::by_name(name));
  if (!formats.empty()) return formats;
  return {format::by_name("int8"), format::by_name("fp8_e4m3"), format::by_name("fp8_e5m2")};
}

/// Adds the largest magnitudes of weights, which share a scale in the fp8 formats.
inline void add_weights(lower::Maxima& maxima, const Scored& work) {
  const auto whole = std::numeric_limits<std::int64_t>::max();
  execute::Program program(lower::weight_maxima(work.graph, work.ops, whole), work.parameters);
  const auto nothing = execute::make_inputs(program.graph(), {}, {}, execute::devices().at("cpu"));
  std::size_t output = 0;
  for (std::size_t op = 0; op < work.ops.size(); ++op) {
    if (work.ops[op].weight_channels == 0) continue;
    float& largest = maxima[op].back();
    std::int64_t channels = 0;
    while (channels < work.ops[op].weight_channels) {
      const auto rows = program.run(nothing, output++);
      largest = std::max(largest, static_cast<float>(*std::max_element(rows.begin(), rows.end())));
      channels += static_cast<std::int64_t>(rows.size());
    }
  }
}

/// Scoring as a run does it: static activation scales, formats with their default rules.
class Scoring {
 public:
  Scoring(const Scored& work, const std::string& line)
      : inputs_(work.inputs), prober_(make(work, line)) {}
  void run() { prober_.probe(inputs_); }

 private:
  static execute::Prober make(const Scored& work, const std::string& line) {
    execute::Program observed(lower::observe(work.graph, work.ops), work.parameters);
    auto maxima = execute::observe(observed, work.inputs, work.ops);
    add_weights(maxima, work);
    return {lower::probe(work.graph, work.ops), work.ops, work.parameters, low_formats(line),
            std::move(maxima)};
  }

  const execute::Inputs& inputs_;
  execute::Prober prober_;
};

/// Seconds of a pass.
template <class Pass>
double seconds(Pass& pass) {
  const auto begin = std::chrono::steady_clock::now();
  pass.run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace benchmark
