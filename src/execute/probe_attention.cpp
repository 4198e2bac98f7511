#include "execute/probe_attention.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <vector>

#include "execute/attention.hpp"
#include "execute/probe_session.hpp"
#include "execute/products.hpp"

namespace gainsweep::execute {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

using Session = c10::intrusive_ptr<ProbeSession>;

at::Tensor transposed(const at::Tensor& x) {
  return x.transpose(-2, -1);
}

std::vector<at::Tensor> part_of(const variable_list& saved, std::size_t first, std::size_t count) {
  const auto begin = saved.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

/// The gradients of one attention, block by block.
class Backward {
 public:
  Backward(const variable_list& saved, std::optional<double> cap, const at::Tensor& gy)
      : q_(saved[0]),
        k_(saved[1]),
        v_(saved[2]),
        cap_(cap),
        blocks_(attention_blocks(saved[3])),
        weights_(part_of(saved, 4, blocks_.size())),
        bounded_(part_of(saved, 4 + blocks_.size(), cap ? blocks_.size() : 0)),
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
    const auto formats = session.activation_formats(av, 0, weights_);
    const auto keys = products_.operand(k_), values = products_.operand(v_);
    const auto gq_BKGTD = by_token(gq_, gy_BKGTD_.size(3));
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      const auto& block = blocks_[b];
      const auto& p = weights_[b];
      const auto gy = products_.operand(rows_of(gy_BKGTD_, block));
      const auto gp = products_.matmul(gy, transposed(columns_of(values, 2, block)), type_);
      session.add_part(av, 0, formats, block.begin, p, gp);
      columns_of(gv_, 2, block).add_(products_.matmul(transposed(p), gy, wide_));
      const auto gs =
          products_.operand(before_cap(b, at::_softmax_backward_data(gp, p, -1, type_)));
      set_rows(gq_BKGTD, block,
               products_.matmul(gs, transposed(columns_of(keys, 3, block)), type_));
      columns_of(gk_, 3, block)
          .add_(products_.matmul(transposed(rows_of(q_BKGTD_, block)), gs, wide_));
    }
    auto gk = gk_.to(type_), gv = gv_.to(type_);
    session.add_activation(av, 1, v_, gv);
    session.add_activation(qk, 0, q_, gq_);
    session.add_activation(qk, 1, k_, gk);
    return {{}, gq_, std::move(gk), std::move(gv), {}, {}, {}, {}, {}};
  }

 private:
  at::Tensor before_cap(std::size_t block, at::Tensor gradient) const {
    return cap_ ? at::tanh_backward(gradient.mul_(*cap_), bounded_[block]) : gradient;
  }

  at::Tensor q_, k_, v_;
  std::optional<double> cap_;
  std::vector<AttentionBlock> blocks_;
  std::vector<at::Tensor> weights_, bounded_;
  const Products& products_;
  at::ScalarType type_, wide_;
  at::Tensor q_BKGTD_, gy_BKGTD_;
  at::Tensor gq_, gk_, gv_;
};

struct ProbedAttention : Function<ProbedAttention> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& /*tap*/, const at::Tensor& q,
                            const at::Tensor& k, const at::Tensor& v, const at::Tensor& mask,
                            std::int64_t qk, std::int64_t av, std::optional<double> cap,
                            const Session& session) {
    const auto blocks = attention_blocks(mask);
    const auto made = attention_weights(q, k, mask, cap, blocks, true);
    for (const auto& part : made.weights) session->search(static_cast<std::size_t>(qk), part);
    ctx->saved_data["session"] = c10::IValue::make_capsule(session);
    ctx->saved_data["qk"] = qk;
    ctx->saved_data["av"] = av;
    ctx->saved_data["cap"] = cap;
    variable_list saved{q, k, v, mask};
    saved.insert(saved.end(), made.weights.begin(), made.weights.end());
    saved.insert(saved.end(), made.bounded.begin(), made.bounded.end());
    ctx->save_for_backward(saved);
    return attended(made.weights, v, mask.size(0), blocks);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto session =
        c10::static_intrusive_pointer_cast<ProbeSession>(ctx->saved_data["session"].toCapsule());
    const auto op = [&](const char* name) {
      return static_cast<std::size_t>(ctx->saved_data[name].toInt());
    };
    const auto cap = ctx->saved_data["cap"].toOptional<double>();
    return Backward(ctx->get_saved_variables(), cap, gradients[0])
        .run(*session, op("qk"), op("av"));
  }
};

}  // namespace

at::Tensor probed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& mask, std::int64_t qk, std::int64_t av,
                            std::optional<double> cap) {
  const Session session = ActiveSession::current();
  if (!session) return attention(q, k, v, mask, cap);
  check_attention(q, k, v, mask);
  auto output = ProbedAttention::apply(session->tap(), q, k, v, mask, qk, av, cap, session);
  session->search(static_cast<std::size_t>(av), output);
  return output;
}

}  // namespace gainsweep::execute
