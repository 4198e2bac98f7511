#include "scale/observe.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "execute/probe.hpp"

namespace gainsweep::scale {
namespace {

void raise(std::vector<float>& maxima, const std::vector<float>& sample) {
  if (maxima.size() != sample.size()) {
    throw Error(ErrorKind::internal, "maxima of samples differ in the operands of an op.");
  }
  std::transform(maxima.begin(), maxima.end(), sample.begin(), maxima.begin(),
                 [](float a, float b) { return std::max(a, b); });
}

}  // namespace

lower::Maxima observe(execute::Program& observed, const execute::Inputs& inputs,
                      const std::vector<graph::Op>& ops) {
  return execute::observe(observed, inputs, ops);
}

lower::Maxima merge(std::span<const lower::Maxima> samples) {
  if (samples.empty()) {
    throw Error(ErrorKind::internal, "there are no samples to take activation scales from.");
  }
  lower::Maxima maxima = samples.front();
  for (const lower::Maxima& sample : samples.subspan(1)) {
    if (sample.size() != maxima.size()) {
      throw Error(ErrorKind::internal, "maxima of samples differ in their ops.");
    }
    for (std::size_t op = 0; op < maxima.size(); ++op) raise(maxima[op], sample[op]);
  }
  return maxima;
}

}  // namespace gainsweep::scale
