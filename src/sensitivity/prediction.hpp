#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sensitivity/loss_model.hpp"

/// What loss errors say of a plan before it is measured, with intervals over calibration samples.
namespace gainsweep::sensitivity {

/// Samples drawn with replacement, again and again: the same for whoever has the same seed.
class Resamples {
 public:
  /// `count` times `samples` places of samples.
  Resamples(std::size_t samples, std::size_t count, std::uint64_t seed);

  std::size_t size() const { return count_; }
  /// The mean of the values that resample `index` draws.
  double mean(const std::vector<double>& values, std::size_t index) const;

 private:
  std::size_t count_;
  std::vector<std::uint32_t> places_;  ///< [count][samples]
  std::size_t samples_;
};

/// A plan's loss error under one noise and loss model.
struct Prediction {
  double loss_error = 0;   ///< D = Σ d, nat²
  double mean_square = 0;  ///< of the loss's change, nat²
  double error = 0;        ///< √(mean_square / E[g²])
  double low = 0;          ///< of the 95 % bootstrap interval of `error`
  double high = 0;
};

/// `contributions` are what each sample adds to the plan's loss error, `losses` the samples' own.
Prediction predict(const LossModel& model, const std::vector<double>& contributions,
                   const std::vector<double>& losses, std::int64_t targets,
                   const Resamples& resamples);

}  // namespace gainsweep::sensitivity
