#include "execute/attention.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "execute/products.hpp"

namespace gainsweep::execute {
namespace {

/// Tokens of a block: with the heads of a group, rows enough for an efficient product.
constexpr std::int64_t block_tokens = 128;

}  // namespace

std::vector<AttentionBlock> attention_blocks(const at::Tensor& mask) {
  std::vector<AttentionBlock> blocks;
  for (std::int64_t first = 0; first < mask.size(0); first += block_tokens) {
    AttentionBlock block{first, std::min(block_tokens, mask.size(0) - first), 0, mask.size(1)};
    const auto rows = mask.narrow(0, first, block.tokens);
    const auto seen = rows.ne(-std::numeric_limits<double>::infinity()).any(0).nonzero();
    if (seen.numel() > 0) {
      block.begin = seen[0].item<std::int64_t>();
      block.columns = seen[-1].item<std::int64_t>() + 1 - block.begin;
    }
    blocks.push_back(block);
  }
  return blocks;
}

AttentionWeights attention_weights(const at::Tensor& q, const at::Tensor& k, const at::Tensor& mask,
                                   std::optional<double> cap,
                                   const std::vector<AttentionBlock>& blocks, bool keeps_bounded) {
  const auto& products = products_for(q);
  const auto q_BKGTD = by_token(q, mask.size(0));
  const auto keys = products.operand(k);
  AttentionWeights made;
  for (const auto& block : blocks) {
    auto scores =
        products.matmul(rows_of(q_BKGTD, block), columns_of(keys, 3, block), q.scalar_type());
    if (cap) {
      scores.tanh_();
      if (keeps_bounded) made.bounded.push_back(scores);
      scores = keeps_bounded ? scores.mul(*cap) : scores.mul_(*cap);
    }
    const auto own = columns_of(mask.narrow(0, block.first, block.tokens), 1, block);
    scores.unflatten(2, {q_BKGTD.size(2), block.tokens}).add_(own);
    made.weights.push_back(at::softmax(scores, -1));
  }
  return made;
}

at::Tensor attended(const std::vector<at::Tensor>& weights, const at::Tensor& v,
                    std::int64_t tokens, const std::vector<AttentionBlock>& blocks) {
  const auto& products = products_for(v);
  const auto values = products.operand(v);
  const auto& first = weights.front();
  auto y = at::empty(
      {first.size(0), first.size(1), first.size(2) / blocks.front().tokens * tokens, v.size(3)},
      v.options());
  const auto y_BKGTD = by_token(y, tokens);
  for (std::size_t b = 0; b < blocks.size(); ++b)
    set_rows(y_BKGTD, blocks[b],
             products.matmul(weights[b], columns_of(values, 2, blocks[b]), v.scalar_type()));
  return y;
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const at::Tensor& mask, std::optional<double> cap) {
  check_attention(q, k, v, mask);
  const auto blocks = attention_blocks(mask);
  const auto made = attention_weights(q, k, mask, cap, blocks, false);
  return attended(made.weights, v, mask.size(0), blocks);
}

at::Tensor mask_packed(const at::Tensor& scores, const at::Tensor& positions,
                       const at::Tensor& parts, std::int64_t window) {
  const auto ahead = positions.unsqueeze(1) - positions.unsqueeze(0);
  auto unseen = parts.ne(0).logical_and(parts.unsqueeze(1).ne(parts)).logical_or_(ahead.lt(0));
  if (window > 0) unseen.logical_or_(ahead.ge(window));
  return scores.masked_fill(unseen, -std::numeric_limits<double>::infinity());
}

void check_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const at::Tensor& mask) {
  TORCH_CHECK(q.dim() == 4 && k.dim() == 4 && v.dim() == 4 && mask.dim() == 2 && mask.size(0) > 0 &&
                  q.size(2) % mask.size(0) == 0,
              "attention by blocks takes [B, K, G·T, D], [B, K, D, S], [B, K, S, D] and [T, S]");
}

at::Tensor by_token(const at::Tensor& x, std::int64_t tokens) {
  return x.unflatten(2, {x.size(2) / tokens, tokens});
}

at::Tensor rows_of(const at::Tensor& x_BKGTD, const AttentionBlock& block) {
  return x_BKGTD.narrow(3, block.first, block.tokens).flatten(2, 3);
}

void set_rows(const at::Tensor& x_BKGTD, const AttentionBlock& block, const at::Tensor& rows) {
  x_BKGTD.narrow(3, block.first, block.tokens)
      .copy_(rows.unflatten(2, {x_BKGTD.size(2), block.tokens}));
}

at::Tensor columns_of(const at::Tensor& x, std::int64_t dimension, const AttentionBlock& block) {
  return x.narrow(dimension, block.begin, block.columns);
}

}  // namespace gainsweep::execute
