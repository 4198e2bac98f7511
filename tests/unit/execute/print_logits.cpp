// Prints a model's loss, log-likelihoods of targets and logits on token ids from standard input,
// then the sensitivities of its ops' weights, for comparison with another implementation:
// print_logits FOLDER LENGTH PRECISION < ids (LENGTH + 1 of them). Numbers are one a line; from the
// first sensitivity on, tensor's name and number.

#include <cstdlib>
#include <iostream>

#include "base/error.hpp"
#include "execute/probe.hpp"
#include "lower/pass.hpp"
#include "model/model.hpp"

namespace {

using namespace gainsweep;

void print_outputs(const model::Model& model, const model::Sample& sample, std::int64_t length,
                   execute::Parameters& parameters) {
  const auto& cpu = execute::devices().at("cpu");
  const auto graph =
      model.build({.batch = 1,
                   .length = length,
                   .outputs = {model::Output::mean_loss, model::Output::target_log_likelihoods,
                               model::Output::class_scores}});
  execute::Program program(graph, parameters);
  const auto inputs = execute::make_inputs(graph, sample, model.inputs, cpu);
  for (std::size_t output = 0; output < graph.outputs.size(); ++output) {
    for (const double number : program.run(inputs, output)) std::cout << number << '\n';
  }
}

/// The parameter that a weight is or is computed from: rows of it, transposed.
const graph::Value& parameter_of(const graph::Graph& graph, graph::ValueId id) {
  while (const auto producer = graph.value(id).producer)
    id = values_read(graph.node(*producer)).at(0);
  return graph.value(id);
}

/// Σ (w·∂g/∂w)² of every weight: what gradients are right for.
void print_sensitivities(const model::Model& model, const model::Sample& sample,
                         std::int64_t length, execute::Parameters& parameters) {
  const auto& cpu = execute::devices().at("cpu");
  const auto graph = model.build({1, length, {model::Output::mean_loss}});
  const auto ops = graph::quantizable_ops(graph);
  execute::Prober prober(lower::probe(graph, ops), ops, parameters, {format::by_name("bf16")}, {});
  const auto record = prober.probe(execute::make_inputs(graph, sample, model.inputs, cpu));
  for (std::size_t op = 0; op < ops.size(); ++op) {
    for (std::size_t operand = 0; operand < ops[op].operands.size(); ++operand) {
      if (ops[op].operands[operand].role != graph::OperandRole::weight) continue;
      const auto& value = parameter_of(graph, ops[op].operands[operand].value);
      std::cout << model.checkpoint_name(value.name) << ' '
                << record.operands[op][operand].sensitivity << '\n';
    }
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) return EXIT_FAILURE;
  const auto model = model::open(argv[1]);
  const auto length = std::strtoll(argv[2], nullptr, 10);
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; std::cin >> id;) ids.push_back(id);
  const std::vector labels(ids.begin() + 1, ids.end());
  ids.pop_back();
  const model::Sample sample{.inputs = {{"tokens", {{1, length}, ids}}},
                             .targets = {{1, length}, labels}};
  const auto precision =
      std::string(argv[3]) == "fp64" ? execute::Precision::fp64 : execute::Precision::fp32;
  execute::Parameters parameters(model, execute::devices().at("cpu"), precision);
  std::cout.precision(17);
  print_outputs(model, sample, length, parameters);
  print_sensitivities(model, sample, length, parameters);
} catch (const gainsweep::Error& error) {
  std::cerr << error.what() << '\n';
  return gainsweep::exit_code(error.kind());
}
