// Prints a model's loss and logits on token ids from standard input, for comparison with another
// implementation: print_logits FOLDER LENGTH PRECISION < ids (LENGTH + 1 of them).

#include <cstdlib>
#include <iostream>

#include "base/error.hpp"
#include "execute/program.hpp"
#include "model/llama.hpp"

int main(int argc, char** argv) try {
  using namespace gainsweep;
  if (argc != 4) return EXIT_FAILURE;
  const auto model = model::open(argv[1]);
  const auto length = std::strtoll(argv[2], nullptr, 10);
  execute::Batch batch{.batch = 1, .length = length};
  for (std::int64_t id = 0; std::cin >> id;) batch.tokens.push_back(id);
  batch.labels.assign(batch.tokens.begin() + 1, batch.tokens.end());
  batch.tokens.pop_back();
  const auto graph = model::build(model.config, {.batch = 1, .length = length, .with_loss = true});
  const auto precision =
      std::string(argv[3]) == "fp64" ? execute::Precision::fp64 : execute::Precision::fp32;
  execute::Parameters parameters(model.checkpoint, execute::Device::cpu, precision);
  execute::Program program(graph, parameters);
  const auto inputs = execute::make_inputs(graph, batch, execute::Device::cpu);
  std::cout.precision(17);
  for (const double loss : program.run(inputs, 0)) std::cout << loss << '\n';
  for (const double logit : program.run(inputs, 1)) std::cout << logit << '\n';
} catch (const gainsweep::Error& error) {
  std::cerr << error.what() << '\n';
  return gainsweep::exit_code(error.kind());
}
