#pragma once

#include <ATen/core/Tensor.h>

namespace simulated_hpu {

/// A block of a Llama with made-up weights: embedding, norms, grouped attention under a causal mask
/// with rotated positions, gated feed-forward.
struct LlamaBlock {
  at::Tensor tokens, table, norm, q, k, v, o, gate, up, down, cos, sin, mask;

  static LlamaBlock random(int rows, at::ScalarType type);
  LlamaBlock to(at::Device device) const;
  /// Attention by matmul, softmax, matmul, or by scaled_dot_product_attention.
  at::Tensor run(bool fused_attention) const;
};

}  // namespace simulated_hpu
