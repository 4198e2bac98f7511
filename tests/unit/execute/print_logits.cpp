// Prints a model's loss, log-likelihoods of targets and logits on token ids from standard input,
// for comparison with another implementation: print_logits FOLDER LENGTH PRECISION < ids (LENGTH +
// 1 of them).

#include <cstdlib>
#include <iostream>

#include "base/error.hpp"
#include "execute/program.hpp"
#include "model/model.hpp"

int main(int argc, char** argv) try {
  using namespace gainsweep;
  if (argc != 4) return EXIT_FAILURE;
  const auto model = model::open(argv[1]);
  const auto length = std::strtoll(argv[2], nullptr, 10);
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; std::cin >> id;) ids.push_back(id);
  const std::vector labels(ids.begin() + 1, ids.end());
  ids.pop_back();
  const model::Sample sample{.inputs = {{"tokens", {{1, length}, ids}}},
                             .targets = {{1, length}, labels}};
  const auto graph =
      model.build({.batch = 1,
                   .length = length,
                   .outputs = {model::Output::mean_loss, model::Output::target_log_likelihoods,
                               model::Output::class_scores}});
  const auto precision =
      std::string(argv[3]) == "fp64" ? execute::Precision::fp64 : execute::Precision::fp32;
  execute::Parameters parameters(model, execute::devices().at("cpu"), precision);
  execute::Program program(graph, parameters);
  const auto inputs =
      execute::make_inputs(graph, sample, model.inputs, execute::devices().at("cpu"));
  std::cout.precision(17);
  for (std::size_t output = 0; output < graph.outputs.size(); ++output) {
    for (const double number : program.run(inputs, output)) std::cout << number << '\n';
  }
} catch (const gainsweep::Error& error) {
  std::cerr << error.what() << '\n';
  return gainsweep::exit_code(error.kind());
}
