#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

/// softmax(q k + mask) v by blocks of tokens: columns of the mask that no token of a block sees
/// (−∞) are left out, as their weights are exact zeros. q is [B, K, G·T, D] with the G heads of a
/// group one after the other, k [B, K, D, S], v [B, K, S, D], mask [T, S].
namespace gainsweep::execute {

/// Tokens that are attended from at once, and columns that one of them sees.
struct AttentionBlock {
  std::int64_t first, tokens;
  std::int64_t begin, columns;
};

std::vector<AttentionBlock> attention_blocks(const at::Tensor& mask);

/// What a block makes before its values are mixed.
struct AttentionWeights {
  std::vector<at::Tensor> weights;  ///< by block: [B, K, G·tokens, columns]
  std::vector<at::Tensor> bounded;  ///< tanh of the scores where they are capped; empty otherwise
};

/// With a cap c scores are c·tanh(q k). `bounded` stays empty unless it is asked for.
AttentionWeights attention_weights(const at::Tensor& q, const at::Tensor& k, const at::Tensor& mask,
                                   std::optional<double> cap,
                                   const std::vector<AttentionBlock>& blocks, bool keeps_bounded);

/// The blocks' weights times the values.
at::Tensor attended(const std::vector<at::Tensor>& weights, const at::Tensor& v,
                    std::int64_t tokens, const std::vector<AttentionBlock>& blocks);

/// All of it, without autograd.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const at::Tensor& mask, std::optional<double> cap);

/// Scores [B, H, T, T] with −∞ where a token of packed sequences does not see another: it sees
/// those of the beginning (part 0) and of its own part that do not stand behind it and, with a
/// window, less than that before it. `positions` and `parts` are [T].
at::Tensor mask_packed(const at::Tensor& scores, const at::Tensor& positions,
                       const at::Tensor& parts, std::int64_t window);

/// Refuses operands of other shapes.
void check_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const at::Tensor& mask);

/// [B, K, G·T, D] as [B, K, G, T, D].
at::Tensor by_token(const at::Tensor& x, std::int64_t tokens);
/// Rows of a block's tokens, of all heads of a group.
at::Tensor rows_of(const at::Tensor& x_BKGTD, const AttentionBlock& block);
void set_rows(const at::Tensor& x_BKGTD, const AttentionBlock& block, const at::Tensor& rows);
at::Tensor columns_of(const at::Tensor& x, std::int64_t dimension, const AttentionBlock& block);

}  // namespace gainsweep::execute
