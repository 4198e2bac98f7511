#include "pipeline/baseline.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::pipeline {

execute::Outcome run_sample(execute::Program& program, const model::Sample& sample,
                            std::span<const model::Input> known, const execute::Device& device,
                            const std::string& name) {
  const auto inputs = execute::make_inputs(program.graph(), sample, known, device);
  auto outcome = execute::outcome(program, inputs);
  if (std::isfinite(outcome.loss)) return outcome;
  const auto& parameter = program.spoilt_parameter();
  throw Error(ErrorKind::input,
              "the loss of " + name + " is " + shortest(outcome.loss) +
                  (parameter.empty()
                       ? " (the plan's formats overflow, or the model does; all weights are "
                         "finite). Look at its ops' formats or at the sample's tokens."
                       : ": " + parameter + ". Fetch the checkpoint again or repair that tensor."));
}

execute::Outcome Baseline::outcome(execute::Parameters& weights, const model::SampleSet& samples,
                                   std::size_t index, const std::string& name) {
  const auto found = kept_.find({&samples, index});
  if (found != kept_.end()) return found->second;
  const auto& subject = *subject_;
  const auto& layout = subject.layout;
  if (!program_) {
    const graph::Assignment all_high(layout.partition.ops.size());
    program_.emplace(lower::fake_quantize(*subject.evaluation_graph, layout.partition.ops, all_high,
                                          layout.formats, {}),
                     weights);
  }
  auto outcome =
      run_sample(*program_, samples.load(index), subject.model->inputs, *subject.device, name);
  const auto bytes = outcome.scores ? outcome.scores->num_bytes() : 0;
  if (bytes_ + bytes <= most_bytes) {
    bytes_ += bytes;
    kept_.emplace(std::pair{&samples, index}, outcome);
  }
  return outcome;
}

void Baseline::release() {
  kept_.clear();
  program_.reset();
  bytes_ = 0;
}

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

}  // namespace gainsweep::pipeline
