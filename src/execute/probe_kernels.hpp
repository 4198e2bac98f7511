#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "execute/device.hpp"
#include "execute/probe.hpp"

/// What probes compute of an operand and its gradient, in two forms.
namespace gainsweep::execute {

/// The scales of one operand by low format: one entry, or one a row (first dimension).
using OperandScales = std::vector<std::vector<float>>;

/// Whether rows have scales of their own in some format.
bool by_row(const OperandScales& scales);

struct ProbeKernels {
  /// Largest magnitude of a tensor of any layout, 0 if it is empty; NaN if it holds one, else
  /// infinity if it holds one.
  float (*largest)(const at::Tensor& z);
  /// The same of each slice along the first dimension.
  std::vector<float> (*largest_of_rows)(const at::Tensor& w);
  /// Gradient `g` of an operand `z`, of which it may be the rows from `first_row` on. Adds to
  /// `probe` what OperandProbe states.
  void (*add)(const std::vector<format::Format>& formats, const OperandScales& scales,
              std::int64_t first_row, const at::Tensor& z, const at::Tensor& g,
              OperandProbe& probe);
};

/// One pass of `format`'s kernels over host memory.
const ProbeKernels& fused_probes();

/// Plain ATen operators, in fp32 (fp64 where the operand is) on the operand's device; sums of rows
/// are added in fp64 on the host, because not every device has fp64.
const ProbeKernels& plain_probes();

/// The form that a device runs.
const ProbeKernels& probe_kernels(const Device& device);

}  // namespace gainsweep::execute
