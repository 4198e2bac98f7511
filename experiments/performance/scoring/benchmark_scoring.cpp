// Scoring a sample with three formats against a plain forward and backward pass with weight
// gradients of the same graph. See README.md.

#include <ATen/ATen.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "base/error.hpp"
#include "execute/probe.hpp"
#include "execute/state.hpp"
#include "lower/pass.hpp"
#include "model/model.hpp"

namespace {

using namespace gainsweep;

const auto& device = execute::devices().at("cpu");

std::vector<format::Format> low_formats() {
  return {format::by_name("int8"), format::by_name("fp8_e4m3"), format::by_name("fp8_e5m2")};
}

/// The graph, its parameters and one sample of random tokens.
struct Workload {
  model::Model model;
  graph::Graph graph;
  std::vector<graph::Op> ops;
  execute::Parameters parameters;
  execute::Inputs inputs;

  Workload(const std::string& folder, std::int64_t length, execute::Precision precision)
      : model(model::open(folder)),
        graph(model.build({.batch = 1, .length = length, .outputs = {model::Output::mean_loss}})),
        ops(graph::quantizable_ops(graph)),
        parameters(model, device, precision),
        inputs(execute::make_inputs(graph, sample(length), model.inputs, device)) {}

  model::Sample sample(std::int64_t length) const {
    std::mt19937 engine(0);
    const auto vocabulary = model.input("tokens")->bound;
    const auto draw = [&] { return static_cast<std::int64_t>(engine()) % vocabulary; };
    std::vector<std::int64_t> tokens, labels;
    for (std::int64_t i = 0; i < length; ++i) {
      tokens.push_back(draw());
      labels.push_back(draw());
    }
    return {.inputs = {{"tokens", {{1, length}, tokens}}}, .targets = {{1, length}, labels}};
  }
};

/// Scoring as a run does it: static activation scales, formats with their default rules.
class Scoring {
 public:
  explicit Scoring(Workload& work) : work_(work), prober_(make(work)) {}
  void run() { prober_.probe(work_.inputs); }

 private:
  static execute::Prober make(Workload& work) {
    execute::Program observed(lower::observe(work.graph, work.ops), work.parameters);
    auto maxima = execute::observe(observed, work.inputs, work.ops);
    return {lower::probe(work.graph, work.ops), work.ops, work.parameters, low_formats(),
            std::move(maxima)};
  }

  Workload& work_;
  execute::Prober prober_;
};

/// Forward and backward with the gradient of every parameter.
class Plain {
 public:
  explicit Plain(Workload& work) : work_(work), program_(work.graph, work.parameters) {
    auto& bound = program_.state().bound;
    for (std::size_t value = 0; value < bound.size(); ++value) {
      if (work.graph.values[value].kind != graph::ValueKind::parameter) continue;
      bound[value] = bound[value].detach().requires_grad_();
      leaves_.push_back(bound[value]);
    }
  }

  void run() {
    const at::AutoGradMode with_gradients(true);
    for (auto& leaf : leaves_) leaf.mutable_grad().reset();
    const auto loss = execute::run_tensors(program_.state(), work_.inputs.state(),
                                           {work_.graph.outputs.data(), 1});
    loss.front().backward();
  }

 private:
  Workload& work_;
  execute::Program program_;
  std::vector<at::Tensor> leaves_;
};

template <class Pass>
double seconds(Pass& pass) {
  const auto begin = std::chrono::steady_clock::now();
  pass.run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

void compare(Workload& work, int repetitions) {
  Plain plain(work);
  Scoring scoring(work);
  plain.run();
  scoring.run();
  std::vector<double> plain_seconds, scoring_seconds, ratios;
  for (int i = 0; i < repetitions; ++i) {
    plain_seconds.push_back(seconds(plain));
    scoring_seconds.push_back(seconds(scoring));
    ratios.push_back(scoring_seconds.back() / plain_seconds.back());
    std::printf("%3d  plain %.3f s  scoring %.3f s\n", i, plain_seconds.back(),
                scoring_seconds.back());
  }
  std::printf("medians: plain %.3f s, scoring %.3f s, ratio %.3f (median of paired ratios %.3f)\n",
              median(plain_seconds), median(scoring_seconds),
              median(scoring_seconds) / median(plain_seconds), median(ratios));
}

/// Peak resident memory of this process so far, as the kernel counts it: mapped weights included.
std::string peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return line;
  }
  return "VmHWM: unknown";
}

template <class Pass>
void repeat(Workload& work, int repetitions) {
  Pass pass(work);
  for (int i = 0; i < repetitions; ++i) std::printf("%.3f s\n", seconds(pass));
  std::printf("%s\n", peak_memory().c_str());
}

int number(const char* text) {
  int value = 0;
  const std::string_view view(text);
  std::from_chars(view.data(), view.data() + view.size(), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) {
    std::fprintf(stderr,
                 "usage: %s FOLDER compare|plain|scoring TOKENS THREADS REPETITIONS [fp32]\n",
                 argv[0]);
    return 2;
  }
  try {
    execute::start(device, number(argv[4]));
    const bool narrow = argc == 6;
    Workload work(argv[1], number(argv[3]),
                  narrow ? execute::Precision::bf16 : execute::Precision::fp32);
    const std::string mode = argv[2];
    if (mode == "compare") compare(work, number(argv[5]));
    if (mode == "plain") repeat<Plain>(work, number(argv[5]));
    if (mode == "scoring") repeat<Scoring>(work, number(argv[5]));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_code(error.kind());
  }
}
