#include "execute/loss_operators.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "execute/operators.hpp"

namespace gainsweep::execute {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// Elements of scores that are widened at a time. Fixed, because sums of a row may be cut otherwise
/// where there are more rows.
constexpr std::int64_t block_elements = std::int64_t{1} << 20;

/// Calls `body(first, rows)` for blocks of rows of `scores`.
template <class Body>
void for_blocks(const at::Tensor& scores, Body body) {
  const auto targets = scores.size(0);
  const auto block = std::max<std::int64_t>(block_elements / scores.size(1), 1);
  for (std::int64_t row = 0; row < targets; row += block) body(row, std::min(block, targets - row));
}

/// By target: log Σ exp(score) and log p.
struct Logarithms {
  at::Tensor totals;
  at::Tensor likelihoods;
};

Logarithms logarithms(const at::Tensor& scores, const at::Tensor& targets) {
  const bool is_fp64 = scores.scalar_type() == at::kDouble;
  const auto options = scores.options().dtype(is_fp64 ? at::kDouble : at::kFloat);
  Logarithms found{at::empty(targets.sizes(), options), at::empty(targets.sizes(), options)};
  for_blocks(scores, [&](std::int64_t first, std::int64_t count) {
    const auto rows = at_least_fp32(scores.narrow(0, first, count));
    const auto totals = at::logsumexp(rows, 1);
    const auto of_targets = rows.gather(1, targets.narrow(0, first, count).unsqueeze(1));
    found.totals.narrow(0, first, count).copy_(totals);
    found.likelihoods.narrow(0, first, count).copy_(of_targets.squeeze(1).sub_(totals));
  });
  return found;
}

/// What each target adds to a mean.
at::Tensor shares(const at::Tensor& likelihoods, const std::optional<at::Tensor>& weights) {
  if (!weights) return at::full_like(likelihoods, 1.0 / static_cast<double>(likelihoods.numel()));
  const auto own = weights->reshape(likelihoods.sizes()).to(likelihoods.scalar_type());
  return own / own.sum();
}

at::Tensor mean(const at::Tensor& likelihoods, const at::Tensor& shares) {
  return likelihoods.mul(shares).masked_fill_(shares == 0, 0).sum().neg_();
}

struct MeanCrossEntropy : Function<MeanCrossEntropy> {
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& scores,
                            const at::Tensor& targets, const std::optional<at::Tensor>& weights) {
    const auto found = logarithms(scores, targets);
    const auto share = shares(found.likelihoods, weights);
    ctx->save_for_backward({scores, targets, found.totals, share});
    return mean(found.likelihoods, share);
  }

  static variable_list backward(AutogradContext* ctx, const variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto &scores = saved[0], &targets = saved[1], &totals = saved[2];
    const auto factors = saved[3] * gradients[0];
    auto gradient = at::empty_like(scores);
    for_blocks(scores, [&](std::int64_t first, std::int64_t count) {
      const auto column = [&](const at::Tensor& x) {
        return x.narrow(0, first, count).unsqueeze(1);
      };
      const auto factor = column(factors);
      auto rows = at::sub(at_least_fp32(scores.narrow(0, first, count)), column(totals)).exp_();
      rows.scatter_add_(1, column(targets), at::full_like(factor, -1));
      rows.mul_(factor).masked_fill_(factor == 0, 0);
      gradient.narrow(0, first, count).copy_(rows);
    });
    return {gradient, {}, {}};
  }
};

}  // namespace

at::Tensor drawn_classes(const at::Tensor& scores, const at::Tensor& draws) {
  const auto rising = at::softmax(scores.detach().to(at::kDouble), 1).cumsum(1);
  const auto below = rising.le(draws.to(at::kDouble).unsqueeze(1)).sum(1);
  return below.clamp_max(scores.size(1) - 1);  // sums may end below 1
}

at::Tensor target_log_likelihoods(const at::Tensor& scores, const at::Tensor& targets) {
  return logarithms(scores, targets).likelihoods;
}

at::Tensor targets_are_likeliest(const at::Tensor& scores, const at::Tensor& targets) {
  return scores.argmax(1).eq(targets).to(at::kFloat);
}

at::Tensor mean_cross_entropy(const at::Tensor& scores, const at::Tensor& targets,
                              const std::optional<at::Tensor>& weights) {
  TORCH_CHECK(scores.dim() == 2 && targets.dim() == 1 && scores.size(0) == targets.size(0) &&
                  (!weights || weights->numel() == targets.numel()),
              "gainsweep::mean_cross_entropy takes a row of scores, and a weight, for each target");
  return MeanCrossEntropy::apply(scores, targets, weights);
}

}  // namespace gainsweep::execute
