#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sensitivity/anchor.hpp"
#include "sensitivity/loss_model.hpp"

/// What loss errors say of a plan before it is measured, with intervals.
namespace gainsweep::sensitivity {

/// Samples drawn with replacement, again and again: the same for whoever has the same seed.
class Resamples {
 public:
  /// `count` times `samples` places of samples.
  Resamples(std::size_t samples, std::size_t count, std::uint64_t seed);

  std::size_t size() const { return count_; }
  /// The mean of the values that resample `index` draws.
  double mean(const std::vector<double>& values, std::size_t index) const;
  /// The places that it draws.
  std::vector<std::size_t> places(std::size_t index) const;

 private:
  std::size_t count_;
  std::vector<std::uint32_t> places_;  ///< [count][samples]
  std::size_t samples_;
};

/// A plan's loss error under one noise and loss model.
struct Prediction {
  double loss_error = 0;   ///< D = Σ d, nat²
  double bias = 0;         ///< mean of the loss's change, nat
  double mean_square = 0;  ///< of the loss's change, nat²
  double error = 0;        ///< √(mean_square / E[g²])
  double low = 0;          ///< of the 95 % interval of `error`
  double high = 0;
};

/// A number with its 95 % bootstrap interval.
struct Bounds {
  double value = 0;
  double low = 0;
  double high = 0;
};

/// What predictions under a noise model start from.
struct Evidence {
  std::vector<double> losses{};        ///< of calibration samples
  std::vector<double> anchor_terms{};  ///< what each adds to the anchors' D, all formats together
  std::vector<double> targets{};       ///< T_r of each
  std::span<const AnchorRecord> anchors{};  ///< of the samples that they were measured on
  std::uint64_t seed = 0;                   ///< of the resamples
};

/// What plans are predicted with beside `d`, measured and on each of some resamples: of the
/// calibration samples, and with draws of their own of the samples that anchors were measured on,
/// which have failures of their own.
class ResampledErrors {
 public:
  ResampledErrors(const Evidence& evidence, std::size_t count);

  const Resamples& resamples() const { return resamples_; }
  const LossErrors& measured() const { return measured_; }  ///< without `d`
  const std::vector<LossErrors>& drawn() const {
    return drawn_;
  }  ///< of each resample, without `d`

 private:
  Resamples resamples_;
  LossErrors measured_;
  std::vector<LossErrors> drawn_;
};

/// The loss errors of a resample; `terms` are the calibration samples' contributions.
LossErrors loss_errors(const ResampledErrors& errors, std::size_t index,
                       const Contributions& terms);

/// Predictions of plans from the same evidence. Intervals are 95 % ones, of the percentile
/// bootstrap over calibration samples and over those of anchors, 1,000 resamples; those of
/// predictions have a model error besides: 15 % on the logarithm of the mean square, a standard
/// deviation, in quadrature (what the models that hold were off by on plans, models and texts that
/// they were not made from).
class Predictor {
 public:
  explicit Predictor(const Evidence& evidence);

  /// `contributions` are what each calibration sample adds to the plan's loss error.
  Prediction predict(const LossModel& model, const std::vector<double>& contributions) const;

  /// β with its sign; none without anchors.
  std::optional<Bounds> bias_rate() const;
  /// T̄, see mean_targets.
  double targets() const { return errors_.measured().targets; }

 private:
  ResampledErrors errors_;
};

}  // namespace gainsweep::sensitivity
