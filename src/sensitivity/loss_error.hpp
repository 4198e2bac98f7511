#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "execute/probe.hpp"
#include "format/format.hpp"
#include "sensitivity/loss_model.hpp"

namespace gainsweep::sensitivity {

/// What samples' scores say about the change of the loss `g` when an op runs in a format.
struct LossErrors {
  std::vector<std::vector<double>> d;  ///< [op][FormatId]: E[Δg²]; 0 for the high format
  double mean_square_loss = 0;         ///< E[g²]
  std::int64_t samples = 0;
};

/// Loss errors under a noise model (docs/method.md, "Loss errors"), sums in the order of `records`;
/// `formats` by FormatId.
/// * empirical: `mean_r (Σ_operands e)²`
/// * paper, log_uniform: `α_f · mean_r Σ_operands s` of a floating format, with α of that name;
///   `mean_r Σ_operands Σ_groups Δ²/12 · Σ_{z≠0} (∂g/∂z)²` of an integer one under either name.
/// Error(internal) without records or when they disagree on ops or formats.
LossErrors loss_errors(std::span<const execute::ProbeRecord> records,
                       const std::vector<format::Format>& formats, Noise noise);

/// What `Σ d` may be under a threshold τ (relative, root mean square) for samples of `length`
/// predicted tokens: `B = τ²E[g²]` for first_order; for bias the D that solves `D + (T/2·D)² = B`,
/// `2(√(1 + T²B) − 1)/T²`.
double budget(LossModel model, double threshold, double mean_square_loss, std::int64_t length);

/// The mean square loss error that `Σ d` = `sum` predicts: D for first_order, `D + (T/2·D)²` for
/// bias.
double predicted_mse(LossModel model, double sum, std::int64_t length);

}  // namespace gainsweep::sensitivity
