#include "execute/probe_attention.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "execute/probe_session.hpp"
#include "execute/products.hpp"

namespace gainsweep::execute {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

using Session = c10::intrusive_ptr<ProbeSession>;

/// Tokens of a block: with the heads of a group, rows enough for an efficient product.
constexpr std::int64_t block_tokens = 128;

/// Tokens that are attended from at once, and columns that one of them sees.
struct Block {
  std::int64_t first, tokens;
  std::int64_t begin, columns;
};

std::vector<Block> blocks_of(const at::Tensor& mask) {
  std::vector<Block> blocks;
  for (std::int64_t first = 0; first < mask.size(0); first += block_tokens) {
    Block block{first, std::min(block_tokens, mask.size(0) - first), 0, mask.size(1)};
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

/// [B, K, G·T, D] as [B, K, G, T, D].
at::Tensor by_token(const at::Tensor& x, std::int64_t tokens) {
  return x.unflatten(2, {x.size(2) / tokens, tokens});
}

/// Rows of a block's tokens, of all heads of a group.
at::Tensor rows_of(const at::Tensor& x_BKGTD, const Block& block) {
  return x_BKGTD.narrow(3, block.first, block.tokens).flatten(2, 3);
}

void set_rows(const at::Tensor& x_BKGTD, const Block& block, const at::Tensor& rows) {
  x_BKGTD.narrow(3, block.first, block.tokens)
      .copy_(rows.unflatten(2, {x_BKGTD.size(2), block.tokens}));
}

at::Tensor columns_of(const at::Tensor& x, std::int64_t dimension, const Block& block) {
  return x.narrow(dimension, block.begin, block.columns);
}

at::Tensor transposed(const at::Tensor& x) {
  return x.transpose(-2, -1);
}

/// The attention weights of each block.
std::vector<at::Tensor> weights_of(const at::Tensor& q, const at::Tensor& k, const at::Tensor& mask,
                                   const std::vector<Block>& blocks) {
  const auto& products = products_for(q);
  const auto q_BKGTD = by_token(q, mask.size(0));
  const auto keys = products.operand(k);
  std::vector<at::Tensor> weights;
  for (const auto& block : blocks) {
    auto scores =
        products.matmul(rows_of(q_BKGTD, block), columns_of(keys, 3, block), q.scalar_type());
    const auto own = columns_of(mask.narrow(0, block.first, block.tokens), 1, block);
    scores.unflatten(2, {q_BKGTD.size(2), block.tokens}).add_(own);
    weights.push_back(at::softmax(scores, -1));
  }
  return weights;
}

at::Tensor attended(const std::vector<at::Tensor>& weights, const at::Tensor& v,
                    std::int64_t tokens, const std::vector<Block>& blocks) {
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

/// The gradients of one attention, block by block.
class Backward {
 public:
  Backward(const variable_list& saved, const at::Tensor& gy)
      : q_(saved[0]),
        k_(saved[1]),
        v_(saved[2]),
        weights_(saved.begin() + 4, saved.end()),
        blocks_(blocks_of(saved[3])),
        products_(products_for(saved[0])),
        type_(saved[0].scalar_type()),
        wide_(type_ == at::kDouble ? at::kDouble : at::kFloat),
        q_BKGTD_(by_token(q_, saved[3].size(0))),
        gy_BKGTD_(by_token(gy, saved[3].size(0))),
        gq_(at::empty(q_.sizes(), q_.options())),
        // Sums over blocks are rounded once.
        gk_(at::zeros(k_.sizes(), k_.options().dtype(wide_))),
        gv_(at::zeros(v_.sizes(), v_.options().dtype(wide_))) {}

  variable_list run(ProbeSession& session, std::size_t qk, std::size_t av) {
    const auto scales = session.activation_scales(av, 0, weights_);
    const auto keys = products_.operand(k_), values = products_.operand(v_);
    const auto gq_BKGTD = by_token(gq_, gy_BKGTD_.size(3));
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const auto& block = blocks_[b];
      const auto& p = weights_[b];
      const auto gy = products_.operand(rows_of(gy_BKGTD_, block));
      const auto gp = products_.matmul(gy, transposed(columns_of(values, 2, block)), type_);
      session.add_part(av, 0, scales, p, gp);
      columns_of(gv_, 2, block).add_(products_.matmul(transposed(p), gy, wide_));
      const auto gs = products_.operand(at::_softmax_backward_data(gp, p, -1, type_));
      set_rows(gq_BKGTD, block,
               products_.matmul(gs, transposed(columns_of(keys, 3, block)), type_));
      columns_of(gk_, 3, block)
          .add_(products_.matmul(transposed(rows_of(q_BKGTD_, block)), gs, wide_));
    }
    auto gk = gk_.to(type_), gv = gv_.to(type_);
    session.add_activation(av, 1, v_, gv);
    session.add_activation(qk, 0, q_, gq_);
    session.add_activation(qk, 1, k_, gk);
    return {{}, gq_, std::move(gk), std::move(gv), {}, {}, {}, {}};
  }

 private:
  at::Tensor q_, k_, v_;
  std::vector<at::Tensor> weights_;
  std::vector<Block> blocks_;
  const Products& products_;
  at::ScalarType type_, wide_;
  at::Tensor q_BKGTD_, gy_BKGTD_;
  at::Tensor gq_, gk_, gv_;
};

struct ProbedAttention : Function<ProbedAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& /*tap*/, const at::Tensor& q,
                            const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask,
                            std::int64_t qk, std::int64_t av, const Session& session) {
    const auto blocks = blocks_of(mask);
    const auto weights = weights_of(q, k, mask, blocks);
    for (const auto& part : weights) session->search(static_cast<std::size_t>(qk), part);
    ctx->saved_data["session"] = c10::IValue::make_capsule(session);
    ctx->saved_data["qk"] = qk;
    ctx->saved_data["av"] = av;
    variable_list saved{q, k, v, mask};
    saved.insert(saved.end(), weights.begin(), weights.end());
    ctx->save_for_backward(saved);
    return attended(weights, v, mask.size(0), blocks);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto session =
        c10::static_intrusive_pointer_cast<ProbeSession>(ctx->saved_data["session"].toCapsule());
    const auto op = [&](const char* name) {
      return static_cast<std::size_t>(ctx->saved_data[name].toInt());
    };
    return Backward(ctx->get_saved_variables(), gradients[0]).run(*session, op("qk"), op("av"));
  }
};

}  // namespace

at::Tensor probed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& mask, std::int64_t qk, std::int64_t av) {
  TORCH_CHECK(q.dim() == 4 && k.dim() == 4 && v.dim() == 4 && mask.dim() == 2 && mask.size(0) > 0 &&
                  q.size(2) % mask.size(0) == 0,
              "gainsweep::probed_attention takes [B, K, G·T, D], [B, K, D, S], [B, K, S, D] and "
              "[T, S]");
  const Session session = ActiveSession::current();
  if (!session) {
    const auto blocks = blocks_of(mask);
    return attended(weights_of(q, k, mask, blocks), v, mask.size(0), blocks);
  }
  auto output = ProbedAttention::apply(session->tap(), q, k, v, mask, qk, av, session);
  session->search(static_cast<std::size_t>(av), output);
  return output;
}

}  // namespace gainsweep::execute
