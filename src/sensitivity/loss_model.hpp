#pragma once

#include <functional>
#include <string>

#include "base/table.hpp"
#include "sensitivity/loss_error.hpp"

namespace gainsweep::sensitivity {

/// How loss errors of ops add up to the change of a sample's loss. Plans are made by exact programs
/// over sums, so a model says how large a sum may be and what a sum predicts; the two are inverse
/// to each other.
struct LossModel {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  /// The largest `Σ d` (nat²) whose predicted mean square is within a threshold τ, relative and
  /// root mean square: `predicted(limit(τ)) = τ² E[g²]`.
  std::function<double(const LossErrors&, double threshold)> limit;
  /// The mean square of the loss's change, nat², that a `Σ d` predicts; grows with the sum.
  std::function<double(const LossErrors&, double sum)> predicted;
  /// The mean of the loss's change, nat, with its sign.
  std::function<double(const LossErrors&, double sum)> bias = [](const LossErrors&, double) {
    return 0.0;
  };
  bool is_of_divergence = false;  ///< of losses without labels, and of no others
};

/// * first_order: `D` (arXiv 2505.13060)
/// * bias: `D + (T̄/2·D)²`, with what rounding adds to the loss of T targets (this project)
/// * anchored: `D + (βD)²`, with the measured `LossErrors::bias_rate`; `bias` where there is none
///   (this project)
/// * second_order: `(T̄/2·D)²`, of a divergence from the model's own predictions, whose first order
///   vanishes; `D` is of gradients of classes drawn from them (Fisher's identity; this project)
Table<LossModel>& loss_models();

}  // namespace gainsweep::sensitivity
