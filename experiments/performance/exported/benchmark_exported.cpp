// Passes of the first sample of an exported model on request: benchmark_exported MODEL SAMPLES LOSS
// bf16|fp32 reads lines from standard input, each `plain` (what evaluations run of an all-high
// plan), `packed` (every op high, over weights packed once), a format such as `int8` (every op that
// the CPU runs in it, else high), the same of some ops (`int8:24-53`) or `scoring FORMAT …`, and
// answers each with the seconds of one pass on one thread. `ops` is answered with their number.

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>

#include "archive/decoder.hpp"
#include "base/error.hpp"
#include "exported/exported_model.hpp"
#include "pipeline/row_samples.hpp"
#include "scored.hpp"

namespace {

using namespace gainsweep;

const auto& device = execute::devices().at("cpu");

/// A model with its first sample.
struct Subject {
  std::shared_ptr<const archive::SampleRows> rows;
  model::Model model;
  model::Sample sample;

  Subject(const std::string& file, const std::string& samples, const exported::Loss& loss)
      : rows(std::make_shared<archive::SampleRows>(archive::read_samples({samples}).front())),
        model(exported::open_model(file, loss, pipeline::row_shapes(*rows))),
        sample(pipeline::gather(rows, loss, model, 0, 1).set.load(0)) {}

  graph::Graph graph(std::vector<model::Output> outputs) const {
    return model.build({.batch = 1,
                        .length = sample.inputs.begin()->second.shape.front(),
                        .outputs = std::move(outputs)});
  }
};

/// "int8:24-53"
struct Variant {
  std::string name;
  std::size_t first = 0;
  std::size_t last = std::numeric_limits<std::size_t>::max();

  explicit Variant(const std::string& line) : name(line.substr(0, line.find(':'))) {
    if (name == line) return;
    std::istringstream range(line.substr(name.size() + 1));
    char dash = 0;
    range >> first >> dash >> last;
  }
};

graph::Graph lowered(const Variant& variant, const graph::Graph& graph) {
  const auto& name = variant.name;
  const auto partition = graph::partition(graph, {}, 2);
  const auto& target = lower::targets().at("onednn");
  const bool is_format = name != "plain" && name != "packed";
  const std::vector<format::Format> formats{format::by_name("bf16"),
                                            format::by_name(is_format ? name : "int8")};
  graph::Assignment assignment(partition.ops.size());
  const lower::Maxima maxima(partition.ops.size(), std::vector<float>(2, 4.0F));
  if (name == "plain")
    return lower::fake_quantize(graph, partition.ops, assignment, formats, maxima);
  for (std::size_t op = 0; op < assignment.size(); ++op)
    if (is_format && op >= variant.first && op <= variant.last &&
        target.runs(partition.ops[op], formats[1]))
      assignment[op] = FormatId{1};
  return lower::lower(graph, partition, assignment, formats, maxima, target);
}

void serve(const Subject& subject, execute::Precision precision) {
  execute::Parameters parameters(subject.model, device, precision);
  const auto forward = subject.graph({model::Output::class_scores});
  const auto with_loss = subject.graph({model::Output::mean_loss});
  const auto ops = graph::quantizable_ops(with_loss);
  const auto inputs = execute::make_inputs(forward, subject.sample, subject.model.inputs, device);
  const auto all = execute::make_inputs(with_loss, subject.sample, subject.model.inputs, device);
  std::map<std::string, execute::Program> programs;
  std::map<std::string, benchmark::Scoring> scorings;
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "ops") {
      std::cout << ops.size() << std::endl;
      continue;
    }
    if (line.starts_with("scoring")) {
      const benchmark::Scored scored{with_loss, ops, parameters, all};
      std::cout << benchmark::seconds(scorings.try_emplace(line, scored, line).first->second)
                << std::endl;
      continue;
    }
    auto program = programs.find(line);
    if (program == programs.end()) {
      auto made = execute::Program(lowered(Variant(line), forward), parameters);
      program = programs.emplace(line, std::move(made)).first;
    }
    std::cout << program->second.time(inputs) << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  gainsweep::archive::serve_if_decoder(argc, argv);
  if (argc != 5) {
    std::cerr << "usage: benchmark_exported MODEL SAMPLES LOSS bf16|fp32\n";
    return 2;
  }
  execute::start(device, 1);
  serve(Subject(argv[1], argv[2], exported::losses().at(argv[3])),
        std::string(argv[4]) == "bf16" ? execute::Precision::bf16 : execute::Precision::fp32);
} catch (const gainsweep::Error& error) {
  std::cerr << error.what() << '\n';
  return gainsweep::exit_code(error.kind());
}
