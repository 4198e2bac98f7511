#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace gainsweep::execute {

/// Attention by blocks of tokens (execute/attention.hpp), in which `qk` and `av` are the ops of the
/// two products: weights that the mask hides are exact zeros, which no probe counts. Otherwise as
/// the probed operators.
at::Tensor probed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& mask, std::int64_t qk, std::int64_t av,
                            std::optional<double> cap = {});

}  // namespace gainsweep::execute
