#include "pipeline/plan_predictor.hpp"

namespace gainsweep::pipeline {
sensitivity::Evidence evidence(const Measured& measured,
                               const sensitivity::Contributions& contributions, std::int64_t seed) {
  sensitivity::Evidence evidence;
  for (const auto& score : measured.scores) {
    evidence.losses.push_back(score.loss);
    evidence.targets.push_back(static_cast<double>(score.targets));
  }
  // Anchors are all ops in a low format: their D is what all low entries come to.
  evidence.anchor_terms = sensitivity::totals(contributions);
  evidence.anchors = measured.anchors;
  evidence.seed = static_cast<std::uint64_t>(seed);
  return evidence;
}

PlanPredictor::PlanPredictor(const Layout& layout, const Measured& measured,
                             const sensitivity::Noise& noise, std::int64_t seed)
    : contributions_(noise.contributions(scores_of(layout, measured))),
      predictor_(evidence(measured, contributions_, seed)) {}

sensitivity::Prediction PlanPredictor::predict(const sensitivity::LossModel& model,
                                               const graph::Assignment& assignment) const {
  std::vector<double> terms;
  for (const auto& of_sample : contributions_) {
    double sum = 0;
    for (std::size_t op = 0; op < assignment.size(); ++op)
      sum += of_sample[op][assignment[op].index];
    terms.push_back(sum);
  }
  return predictor_.predict(model, terms);
}

}  // namespace gainsweep::pipeline
