#pragma once

#include <ATen/core/Tensor.h>

namespace gainsweep::execute {

/// softmax(q k + mask) v, in which `qk` and `av` are the ops of the two products, by blocks of
/// tokens: columns of `mask` that no token of a block sees (−∞) are left out, as their weights are
/// exact zeros, which no probe counts. q [B, K, G·T, D] with the G heads of a group one after the
/// other, k [B, K, D, S], v [B, K, S, D], mask [T, S]. Otherwise as the probed operators.
at::Tensor probed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& mask, std::int64_t qk, std::int64_t av);

}  // namespace gainsweep::execute
