#include "conformance/behaviour.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "base/text.hpp"
#include "conformance/lowered.hpp"

namespace gainsweep::conformance {
namespace {

using execute::Precision;

/// A Llama in a mode of the device, all ops as low as they go.
struct LowLlama {
  explicit LowLlama(const execute::Device& device)
      : model(lowerable(llama(model::Output::class_scores), runnable(device))),
        graph(lowered(model, lowest(model, device), device)) {}

  Lowerable model;
  graph::Graph graph;
};

template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds until the host has the result, after so many timed runs; the least of three.
double read_after(execute::Program& program, const execute::Inputs& inputs, int runs) {
  double least = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    for (int i = 0; i < runs; ++i) program.time(inputs);
    const double seconds = seconds_of([&] { program.run(inputs); });
    least = attempt == 0 ? seconds : std::min(least, seconds);
  }
  return least;
}

std::string number(double value, const char* unit) {
  char text[48];
  std::snprintf(text, sizeof text, "%.4g %s", value, unit);
  return text;
}

}  // namespace

Finding card(const execute::Device& device) {
  std::vector<std::string> said;
  for (const auto& [name, text] : execute::parts(device.identity()))
    said.push_back(name + ": " + text);
  for (const auto& note : device.notes()) said.push_back(note);
  if (said.empty()) said.push_back(device.place());
  return {Verdict::passed, join(said, "; ")};
}

Finding operators(const execute::Device& device) {
  const LowLlama low(device);
  auto parameters = no_parameters(device, usual_precision(device));
  std::set<std::string> names;
  for (const auto* graph : {&low.model.workload.graph, &low.graph}) {
    const execute::Program made(*graph, parameters);  // throws where a call does not fit
    for (const auto& node : graph->nodes) names.insert(node.op);
  }
  return {Verdict::passed, std::to_string(names.size()) + " are there"};
}

Finding host(const execute::Device& device) {
  if (device.shared_by_ranks) return {Verdict::passed, "it is the host"};
  if (!device.allowed_on_host)
    return {Verdict::passed, "an operator without a kernel of the device is an error"};
  const auto allowed = device.allowed_on_host();
  if (allowed == "none") return {Verdict::passed, "nothing may run there"};
  return {Verdict::untried, "allowed there: " + allowed};
}

Finding waiting(const execute::Device& device) {
  constexpr int runs = 8;
  constexpr double long_enough = 5e-3;
  constexpr std::int64_t largest = 4096;
  for (std::int64_t size = 256;; size *= 2) {
    const auto work = powers(size);
    auto parameters = no_parameters(device, Precision::fp32);
    execute::Program program(work.graph, parameters);
    const auto inputs = execute::make_inputs(work.graph, work.sample, {}, device);
    program.run(inputs);
    const double alone = read_after(program, inputs, 0);
    if (alone < long_enough && size < largest) continue;
    const double behind = read_after(program, inputs, runs);
    const auto detail = "a result takes " + number(1e3 * alone, "ms") + ", and " +
                        number(1e3 * behind, "ms") + " behind " + std::to_string(runs) +
                        " timed runs";
    return {behind < runs / 2.0 * alone ? Verdict::passed : Verdict::failed, detail};
  }
}

Finding compilations(const execute::Device& device) {
  if (!device.compilations) return {Verdict::passed, "it compiles nothing"};
  const LowLlama low(device);
  auto parameters = no_parameters(device, usual_precision(device));
  execute::Program program(low.graph, parameters);
  const auto inputs = execute::make_inputs(low.graph, low.model.workload.sample, {}, device);
  const auto before = device.compilations();
  program.time(inputs);
  const auto first = device.compilations();
  program.time(inputs);
  const auto second = device.compilations() - first;
  return {second == 0 ? Verdict::passed : Verdict::failed,
          std::to_string(first - before) + " graphs in the first run, " + std::to_string(second) +
              " in the second"};
}

Finding kernels(const execute::Device& device) {
  if (const auto why = execute::missing_kernels(device, Precision::bf16); !why.empty())
    return {Verdict::untried, why};
  return {Verdict::passed,
          join(device.kernels({.rows = 32, .inputs = 256, .outputs = 256}, Precision::bf16))};
}

Finding state(const execute::Device& device) {
  const auto now = device.state ? device.state() : execute::CardState{};
  if (std::isnan(now.clock_hz)) return {Verdict::untried, "nobody tells how it is doing"};
  return {Verdict::passed,
          number(1e-6 * now.clock_hz, "MHz") + ", " + number(now.power_watts, "W") + ", " +
              number(now.temperature_celsius, "°C") +
              (now.clock_reasons.empty() ? "" : ", " + join(now.clock_reasons)) +
              (now.held_back_by.empty() ? "" : "; held back by " + join(now.held_back_by))};
}

}  // namespace gainsweep::conformance
