// Times forward passes on request: benchmark_interpreter FOLDER LENGTH THREADS bf16|fp32 reads
// lines from standard input, each `formed` (the model's graph as it is built, call by call),
// `plain` (what evaluations run of an all-high plan), `packed` (every linear layer high) or `int8`
// (every linear layer in int8), and answers each with the seconds of one pass. `packed:qkv`,
// `int8:all` and so on have fused groups, as `partition.fused` names them.

#include <cstdlib>
#include <iostream>
#include <map>

#include "base/error.hpp"
#include "execute/program.hpp"
#include "lower/pass.hpp"
#include "model/model.hpp"

namespace {

using namespace gainsweep;

graph::Assignment all_int8(const std::vector<graph::Op>& ops, const lower::Target& target,
                           const std::vector<format::Format>& formats) {
  graph::Assignment assignment;
  for (const auto& op : ops) {
    assignment.push_back(lower::real_formats(target, op, formats).back());
  }
  return assignment;
}

model::Sample some_tokens(std::int64_t length, std::int64_t vocabulary) {
  std::vector<std::int64_t> tokens;
  for (std::int64_t i = 0; i < length; ++i) tokens.push_back(i * 7919 % vocabulary);
  return {.inputs = {{"tokens", {{1, length}, tokens}}}};
}

/// A variant's graph.
graph::Graph variant(const std::string& line, const graph::Graph& graph) {
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  if (name == "formed") return graph;
  const auto fused = colon == std::string::npos ? "none" : line.substr(colon + 1);
  const auto partition =
      graph::partition(graph, {.fused = enumerator<graph::FusedLayers>(fused)}, 2);
  const std::vector<format::Format> formats{format::by_name("bf16"), format::by_name("int8")};
  const graph::Assignment high(partition.ops.size());
  if (name == "plain") return lower::fake_quantize(graph, partition.ops, high, formats, {});
  const auto& target = lower::targets().at("onednn");
  const lower::Maxima maxima(partition.ops.size(), std::vector<float>(2, 4.0F));
  const auto assignment = name == "int8" ? all_int8(partition.ops, target, formats) : high;
  return lower::lower(graph, partition, assignment, formats, maxima, target);
}

void serve(const std::string& folder, std::int64_t length, std::int64_t threads,
           execute::Precision precision) {
  execute::start(execute::devices().at("cpu"), threads);
  const auto model = model::open(folder);
  const auto graph = model.build({.length = length, .outputs = {model::Output::class_scores}});
  execute::Parameters parameters(model, execute::devices().at("cpu"), precision);
  std::map<std::string, execute::Program> programs;
  const auto sample = some_tokens(length, model.input("tokens")->bound);
  const auto inputs =
      execute::make_inputs(graph, sample, model.inputs, execute::devices().at("cpu"));
  for (std::string line; std::getline(std::cin, line);) {
    auto program = programs.find(line);
    if (program == programs.end())
      program = programs.emplace(line, execute::Program(variant(line, graph), parameters)).first;
    std::cout << program->second.time(inputs) << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) {
    std::cerr << "usage: benchmark_interpreter FOLDER LENGTH THREADS bf16|fp32\n";
    return 2;
  }
  const bool is_narrow = std::string(argv[4]) == "bf16";
  serve(argv[1], std::strtoll(argv[2], nullptr, 10), std::strtoll(argv[3], nullptr, 10),
        is_narrow ? execute::Precision::bf16 : execute::Precision::fp32);
} catch (const gainsweep::Error& error) {
  std::cerr << error.what() << '\n';
  return gainsweep::exit_code(error.kind());
}
