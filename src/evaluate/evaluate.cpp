#include "evaluate/evaluate.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::evaluate {

std::vector<double> losses(execute::Program& program, const std::vector<execute::Batch>& samples,
                           config::Device device) {
  std::vector<double> losses;
  losses.reserve(samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto inputs = execute::make_inputs(program.graph(), samples[i], device);
    const double loss = program.run(inputs).front();
    if (!std::isfinite(loss))
      throw Error(ErrorKind::input, "the loss of evaluation sample " + std::to_string(i) + " is " +
                                        shortest(loss) +
                                        " (the plan's formats overflow, or the model does). "
                                        "Look at its ops' formats or at the sample's tokens.");
    losses.push_back(loss);
  }
  return losses;
}

}  // namespace gainsweep::evaluate
