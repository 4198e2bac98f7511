#pragma once

#include <ATen/core/Tensor.h>

#include "execute/probe_kernels.hpp"
#include "format/format.hpp"

/// Rounding block by block in plain ATen operators, for any device. Equal to format::BlockLines
/// bit for bit where the device's fp32 arithmetic is IEEE's.
namespace gainsweep::execute::plain {

/// A tensor rounded in blocks, and the scale of each of its elements.
struct InBlocks {
  at::Tensor rounded;
  at::Tensor scales;
};

/// `z` (fp32 or fp64) rounded along `part.dimension`; `global` as format::global_scale has it.
InBlocks rounded_in_blocks(const format::NumberFormat& number, const OperandPart& part,
                           const at::Tensor& z, float global);

}  // namespace gainsweep::execute::plain
