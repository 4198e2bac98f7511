#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/decision.hpp"
#include "sensitivity/noise.hpp"
#include "sensitivity/prediction.hpp"

namespace gainsweep::pipeline {

/// What predictions start from; `contributions` are those of the scores. Refers to the anchors.
sensitivity::Evidence evidence(const Measured& measured,
                               const sensitivity::Contributions& contributions, std::int64_t seed);

/// What is predicted of assignments under one model of the rounding error, with intervals; pure.
class PlanPredictor {
 public:
  /// `seed` is that of the resamples that intervals come from. Error(internal) without scores.
  PlanPredictor(const Layout& layout, const Measured& measured, const sensitivity::Noise& noise,
                std::int64_t seed);

  sensitivity::Prediction predict(const sensitivity::LossModel& model,
                                  const graph::Assignment& assignment) const;

  /// β with its sign; none without anchors.
  std::optional<sensitivity::Bounds> bias_rate() const { return predictor_.bias_rate(); }
  /// T̄ of LossErrors.
  double targets() const { return predictor_.targets(); }

 private:
  sensitivity::Contributions contributions_;
  sensitivity::Predictor predictor_;
};

}  // namespace gainsweep::pipeline
