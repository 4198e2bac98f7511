#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "execute/outcome.hpp"
#include "pipeline/subject.hpp"

/// What assignments are compared with: the all-high model on the same samples.
namespace gainsweep::pipeline {

/// Runs a sample; `name` is what messages call it ("evaluation sample 3"), `known` are the inputs
/// of the model. Error(input) where the loss is not finite.
execute::Outcome run_sample(execute::Program& program, const model::Sample& sample,
                            std::span<const model::Input> known, const execute::Device& device,
                            const std::string& name);

/// Outcomes of the all-high model on this rank. Kept while all that is kept fits into `most_bytes`,
/// run again otherwise: no number depends on it.
class Baseline {
 public:
  static constexpr std::size_t most_bytes = std::size_t{1} << 30;

  explicit Baseline(std::shared_ptr<const Subject> subject) : subject_(std::move(subject)) {}

  /// Sample `index` of a set, with `weights`. Errors as for run_sample.
  execute::Outcome outcome(execute::Parameters& weights, const model::SampleSet& samples,
                           std::size_t index, const std::string& name);
  /// Frees everything; to be called before the weights are freed.
  void release();

 private:
  std::shared_ptr<const Subject> subject_;
  std::optional<execute::Program> program_;
  std::map<std::pair<const model::SampleSet*, std::size_t>, execute::Outcome> kept_;
  std::size_t bytes_ = 0;
};

/// What an assignment makes of one sample.
struct Compared {
  double loss = 0;
  std::optional<execute::Confidence> confidence{};  ///< of its own predictions
  execute::Departure departure{};                   ///< of these from those of all-high
};

/// `weights` are those of the sample's targets. Error(input) naming the sample where a number is
/// not finite.
Compared compare(const execute::Outcome& high, const execute::Outcome& low,
                 std::span<const float> weights, const std::string& name);

}  // namespace gainsweep::pipeline
