#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sensitivity/contributions.hpp"
#include "sensitivity/noise.hpp"

namespace gainsweep::sensitivity {

/// What samples' scores say about the change of the loss `g` when an op runs in a format.
struct LossErrors {
  std::vector<std::vector<double>> d;  ///< [op][FormatId]: E[Δg²]; 0 for the high format
  double mean_square_loss = 0;         ///< E[g²]
  std::int64_t samples = 0;
  double targets = 0;  ///< T̄, see mean_targets
  /// β, 1/nat: measured mean change of the loss per unit of `Σ d`, negative where the loss falls;
  /// none where no anchor was measured.
  std::optional<double> bias_rate{};
};

/// `T̄ = Σ_r T_r D_r / Σ_r D_r`, with which `T̄/2 · mean_r D_r` is the mean over samples of
/// `T_r/2 · D_r`; the mean of `T_r` where all `D_r` are 0. Equal `T_r` are their mean to the bit.
/// Error(internal) without samples.
double mean_targets(std::span<const double> targets, std::span<const double> terms);

/// Loss errors under a noise model, sums in the order of the records. `targets` is the mean with
/// what each record adds to all ops in all formats. Error(internal) as the noise's contributions.
LossErrors loss_errors(const Scores& scores, const Noise& noise);

/// What each sample adds to the loss errors of all ops in all formats, of its contributions.
std::vector<double> totals(const Contributions& contributions);

}  // namespace gainsweep::sensitivity
