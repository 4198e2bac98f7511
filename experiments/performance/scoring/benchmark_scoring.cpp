// Passes of one sample on request: benchmark_scoring FOLDER TOKENS THREADS bf16|fp32 reads lines
// from standard input, each `scoring` (three formats), `scoring FORMAT …` or `plain` (forward and
// backward with the gradient of every parameter), and answers each with the seconds of one pass;
// `peak` with the process's peak resident memory. See README.md.

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "base/error.hpp"
#include "execute/state.hpp"
#include "lower/pass.hpp"
#include "model/model.hpp"
#include "scored.hpp"

namespace {

using namespace gainsweep;

const auto& device = execute::devices().at("cpu");

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

  benchmark::Scored scored() { return {graph, ops, parameters, inputs}; }

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

/// The graph with every step as one call of ATen, as commit 0270583 ran it: what scoring is
/// measured against. Attention is formed in full, and so are the fp32 copy of the scores and its
/// gradient.
graph::Graph plain_graph(const graph::Graph& built) {
  graph::Graph plain = built;
  const auto loss = std::find_if(plain.nodes.begin(), plain.nodes.end(), [](const auto& node) {
    return node.op == "gainsweep::mean_cross_entropy";
  });
  if (loss == plain.nodes.end()) throw Error(ErrorKind::internal, "no loss in the graph.");
  const auto scores = std::get<graph::ValueId>(loss->arguments[0]);
  const auto targets = loss->arguments[1];
  const auto path = loss->path;
  plain.nodes.erase(loss);
  const auto exact =
      plain.add_node("gainsweep::at_least_fp32", {scores}, plain.value(scores).shape, path);
  plain.outputs = {plain.add_node("aten::cross_entropy_loss", {exact, targets}, {}, path)};
  return plain;
}

/// Forward and backward with the gradient of every parameter, each in the program's precision.
class Plain {
 public:
  explicit Plain(Workload& work) : work_(work), program_(plain_graph(work.graph), work.parameters) {
    auto& program = program_.state();
    for (std::size_t value = 0; value < program.bound.size(); ++value) {
      if (program.graph.values[value].kind != graph::ValueKind::parameter) continue;
      auto& leaf = program.bound[value];
      leaf = leaf.to(program.real).detach().requires_grad_();
      leaves_.push_back(leaf);
    }
  }

  void run() {
    const at::AutoGradMode with_gradients(true);
    for (auto& leaf : leaves_) leaf.mutable_grad().reset();
    const auto loss = execute::run_tensors(program_.state(), work_.inputs.state(),
                                           {program_.graph().outputs.data(), 1});
    loss.front().backward();
  }

 private:
  Workload& work_;
  execute::Program program_;
  std::vector<at::Tensor> leaves_;
};

/// Peak resident memory of this process so far, as the kernel counts it: mapped weights included.
std::string peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return line;
  }
  return "VmHWM: unknown";
}

void serve(Workload& work) {
  std::optional<Plain> plain;
  std::map<std::string, benchmark::Scoring> scorings;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "plain") {
      if (!plain) plain.emplace(work);
      std::cout << benchmark::seconds(*plain) << std::endl;
    }
    if (line.starts_with("scoring"))
      std::cout << benchmark::seconds(scorings.try_emplace(line, work.scored(), line).first->second)
                << std::endl;
    if (line == "peak") std::cout << peak_memory() << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::cerr << "usage: benchmark_scoring FOLDER TOKENS THREADS bf16|fp32\n";
    return 2;
  }
  execute::start(device, std::strtoll(argv[3], nullptr, 10));
  const bool is_narrow = std::string(argv[4]) == "bf16";
  Workload work(argv[1], std::strtoll(argv[2], nullptr, 10),
                is_narrow ? execute::Precision::bf16 : execute::Precision::fp32);
  serve(work);
} catch (const gainsweep::Error& error) {
  std::cerr << error.what() << '\n';
  return gainsweep::exit_code(error.kind());
}
