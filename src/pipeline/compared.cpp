#include "pipeline/compared.hpp"

#include <cmath>

#include "base/error.hpp"

namespace gainsweep::pipeline {

Compared compare(const execute::Outcome& high, const execute::Outcome& low,
                 std::span<const float> weights, const std::string& name) {
  Compared compared{low.loss};
  if (!high.scores || !low.scores) return compared;
  compared.confidence = execute::confidence(*low.scores, weights);
  compared.departure = execute::departure(*high.scores, *low.scores, weights);
  const auto& [entropy, spread] = *compared.confidence;
  const auto& [divergence, tilt] = compared.departure;
  if (!std::isfinite(entropy + spread + divergence + tilt))
    throw Error(ErrorKind::input, "the predictions of " + name +
                                      " are not finite (the plan's formats overflow, or the model "
                                      "rules a token out). Look at its ops' formats.");
  return compared;
}

void take_divergence(Compared& compared, const execute::Outcome& high) {
  compared.loss = high.loss + compared.departure.divergence;
}

}  // namespace gainsweep::pipeline
