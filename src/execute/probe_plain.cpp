// Probes in plain ATen operators, for any device.

#include <ATen/ATen.h>

#include <algorithm>

#include "execute/plain_elements.hpp"
#include "execute/probe_kernels.hpp"

namespace gainsweep::execute {
namespace {

/// One row for each scale group of rows that have their own, else one a slice of the last
/// dimension.
at::Tensor as_rows(const at::Tensor& x, bool rows_differ) {
  const auto filled = plain::widened(x);
  return rows_differ ? filled.reshape({x.size(0), -1}) : filled.reshape({-1, x.size(-1)});
}

std::vector<float> part_of(const std::vector<float>& scales, std::int64_t first_row,
                           std::int64_t rows) {
  if (scales.size() == 1) return scales;
  const auto begin = scales.begin() + first_row;
  return {begin, begin + rows};
}

/// Σ_rows Δ² · (sum of the row).
double weighted(const std::vector<float>& steps, const at::Tensor& sums) {
  const auto weights = at::tensor(steps, at::kDouble);
  return (weights.square() * sums).sum().item<double>();
}

void add_plain(const std::vector<format::Format>& formats, const OperandScales& scales,
               std::int64_t first_row, const at::Tensor& z, const at::Tensor& g,
               OperandProbe& probe) {
  if (z.numel() == 0) return;
  const bool rows_differ = by_row(scales);
  const auto values = as_rows(z, rows_differ);
  const auto gradients = as_rows(g, rows_differ);
  std::vector<OperandScales::value_type> own;
  std::vector<at::Tensor> sums{(values * gradients).square().sum(1),
                               gradients.masked_fill(values == 0, 0).square().sum(1)};
  for (std::size_t f = 0; f < formats.size(); ++f) {
    own.push_back(part_of(scales[f], first_row, values.size(0)));
    const auto scale = plain::scales_for(values, own.back());
    const auto error = plain::rounded(formats[f].grid, values, scale) - values;
    sums.push_back((gradients * error).sum(1));
  }
  // One copy to the host for all sums.
  const auto host = at::stack(sums).cpu().to(at::kDouble);
  probe.sensitivity += host[0].sum().item<double>();
  for (std::size_t f = 0; f < formats.size(); ++f) {
    probe.signed_error[f] += host[static_cast<std::int64_t>(f) + 2].sum().item<double>();
    if (formats[f].grid.kind == format::Kind::integer)
      probe.step_norm[f] += weighted(own[f], host[1]);
  }
}

}  // namespace

const ProbeKernels& plain_probes() {
  static const ProbeKernels kernels{plain::largest_magnitude, plain::largest_magnitude_of_rows,
                                    add_plain};
  return kernels;
}

const ProbeKernels& probe_kernels(const Device& device) {
  return device.fused_probes ? fused_probes() : plain_probes();
}

bool by_row(const OperandScales& scales) {
  return std::any_of(scales.begin(), scales.end(), [](const auto& s) { return s.size() > 1; });
}

}  // namespace gainsweep::execute
