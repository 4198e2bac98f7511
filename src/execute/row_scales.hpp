#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "format/format.hpp"

namespace gainsweep::execute {

/// The scale of each slice of a weight along its first dimension, as its number format's range has
/// it. Found on the host, wherever the weight is; the same for any thread count.
std::vector<float> row_scales(const format::NumberFormat& number, const at::Tensor& w);

}  // namespace gainsweep::execute
