// Probes in plain ATen operators, for any device.

#include <ATen/ATen.h>

#include <algorithm>

#include "execute/plain_blocks.hpp"
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

/// What one format adds, by row: Σ g·(Q(z) − z), Σ (g·(Q(z) − z))², and Σ (g·Δ)² over non-zero z
/// of integers in blocks.
struct RowSums {
  at::Tensor error, square, steps;
};

RowSums sums_in_blocks(const OperandFormat& format, const OperandPart& part, const at::Tensor& z,
                       const at::Tensor& g, bool rows_differ) {
  const auto values = plain::widened(z), gradients = plain::widened(g);
  const auto found = plain::rounded_in_blocks(*format.number, part, values, format.scales.at(0));
  const auto counted = gradients.masked_fill(values == 0, 0);
  const auto terms = as_rows(gradients * (found.rounded - values), rows_differ);
  return {terms.sum(1), terms.square().sum(1),
          as_rows((counted * found.scales).square(), rows_differ).sum(1)};
}

void add_plain(const OperandFormats& formats, const OperandPart& part, const at::Tensor& z,
               const at::Tensor& g, OperandProbe& probe) {
  if (z.numel() == 0) return;
  const bool rows_differ = by_row(formats);
  const auto values = as_rows(z, rows_differ);
  const auto gradients = as_rows(g, rows_differ);
  std::vector<std::vector<float>> own(formats.size());
  std::vector<at::Tensor> sums{(values * gradients).square().sum(1),
                               gradients.masked_fill(values == 0, 0).square().sum(1)};
  const auto nothing = at::zeros_like(sums.front());
  for (std::size_t f = 0; f < formats.size(); ++f) {
    const auto& format = formats[f];
    RowSums found{nothing, nothing, nothing};
    if (format.in_blocks()) {
      found = sums_in_blocks(format, part, z, g, rows_differ);
    } else if (format.number != nullptr) {
      own[f] = part_of(format.scales, part.first_row, values.size(0));
      const auto scale = plain::scales_for(values, own[f]);
      const auto terms = gradients * (plain::rounded(format.number->grid, values, scale) - values);
      found = {terms.sum(1), terms.square().sum(1), nothing};
    }
    sums.insert(sums.end(), {found.error, found.square, found.steps});
  }
  // One copy to the host for all sums.
  const auto host = at::stack(sums).cpu().to(at::kDouble);
  probe.sensitivity += host[0].sum().item<double>();
  for (std::size_t f = 0; f < formats.size(); ++f) {
    const auto place = 3 * static_cast<std::int64_t>(f) + 2;
    probe.signed_error[f] += host[place].sum().item<double>();
    probe.square_error[f] += host[place + 1].sum().item<double>();
    if (formats[f].number == nullptr || formats[f].number->grid.kind != format::Kind::integer)
      continue;
    probe.step_norm[f] +=
        formats[f].in_blocks() ? host[place + 2].sum().item<double>() : weighted(own[f], host[1]);
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

bool by_row(const OperandFormats& formats) {
  return std::any_of(formats.begin(), formats.end(),
                     [](const auto& format) { return format.scales.size() > 1; });
}

}  // namespace gainsweep::execute
