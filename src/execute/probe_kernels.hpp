#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "execute/device.hpp"
#include "execute/probe.hpp"

/// What probes compute of an operand and its gradient, in two forms.
namespace gainsweep::execute {

/// A low format as one operand is rounded to it.
struct OperandFormat {
  const format::NumberFormat* number = nullptr;  ///< null: the operand stays high
  /// One entry, or one a row (first dimension); for blocks format::global_scale.
  std::vector<float> scales{};

  bool in_blocks() const {
    return number != nullptr && number->granularity == format::Granularity::block;
  }
};

/// By low format.
using OperandFormats = std::vector<OperandFormat>;

/// Whether rows have scales of their own in some format.
bool by_row(const OperandFormats& formats);

/// Which part of an operand is looked at, and how blocks lie in it.
struct OperandPart {
  std::int64_t first_row = 0;   ///< of the rows that have scales of their own
  std::int64_t dimension = -1;  ///< that products sum over, from the end or from the start
  std::int64_t first = 0;       ///< along it
  std::int64_t restart = 0;     ///< elements after which blocks begin anew; 0 for none
};

struct ProbeKernels {
  /// Largest magnitude of a tensor of any layout, 0 if it is empty; NaN if it holds one, else
  /// infinity if it holds one.
  float (*largest)(const at::Tensor& z);
  /// The same of each slice along the first dimension.
  std::vector<float> (*largest_of_rows)(const at::Tensor& w);
  /// Gradient `g` of a part `z` of an operand. Adds to `probe` what OperandProbe states.
  void (*add)(const OperandFormats& formats, const OperandPart& part, const at::Tensor& z,
              const at::Tensor& g, OperandProbe& probe);
};

/// One pass of `format`'s kernels over host memory.
const ProbeKernels& fused_probes();

/// The formats in blocks among them: a walk of their own over the lines of an operand, of which at
/// most one is copied at a time.
void add_in_blocks(const OperandFormats& formats, const OperandPart& part, const at::Tensor& z,
                   const at::Tensor& g, OperandProbe& probe);

/// Plain ATen operators, in fp32 (fp64 where the operand is) on the operand's device; sums of rows
/// are added in fp64 on the host, because not every device has fp64.
const ProbeKernels& plain_probes();

/// The form that a device runs.
const ProbeKernels& probe_kernels(const Device& device);

}  // namespace gainsweep::execute
