#include "execute/fold_norm.hpp"

#include <ATen/ATen.h>

namespace gainsweep::execute {
namespace {

at::Tensor factors(const std::optional<at::Tensor>& scale, const at::Tensor& variance, double eps) {
  const auto deviation = variance.to(at::kDouble).add(eps).sqrt();
  return scale ? scale->to(at::kDouble) / deviation : deviation.reciprocal();
}

}  // namespace

at::Tensor fold_norm_weight(const at::Tensor& w, const std::optional<at::Tensor>& scale,
                            const at::Tensor& variance, double eps) {
  std::vector<std::int64_t> channels(static_cast<std::size_t>(w.dim()), 1);
  channels.front() = w.size(0);
  return w.to(at::kDouble) * factors(scale, variance, eps).view(channels);
}

at::Tensor fold_norm_bias(const std::optional<at::Tensor>& bias,
                          const std::optional<at::Tensor>& scale,
                          const std::optional<at::Tensor>& shift, const at::Tensor& mean,
                          const at::Tensor& variance, double eps) {
  const auto centre = mean.to(at::kDouble);
  const auto own = bias ? bias->to(at::kDouble) - centre : -centre;
  const auto scaled = own * factors(scale, variance, eps);
  return shift ? scaled + shift->to(at::kDouble) : scaled;
}

}  // namespace gainsweep::execute
