#include "sensitivity/loss_model.hpp"

#include <cmath>

namespace gainsweep::sensitivity {
namespace {

double allowed(const LossErrors& errors, double threshold) {
  return threshold * threshold * errors.mean_square_loss;
}

double bias_limit(const LossErrors& errors, double threshold) {
  // 2(√(1 + T²B) − 1)/T² without its cancellation at small T²B.
  const double mean_square = allowed(errors, threshold);
  const auto targets = static_cast<double>(errors.targets);
  return 2 * mean_square / (std::sqrt(1 + targets * targets * mean_square) + 1);
}

double bias_predicted(const LossErrors& errors, double sum) {
  const double bias = static_cast<double>(errors.targets) / 2 * sum;
  return sum + bias * bias;
}

}  // namespace

Table<LossModel>& loss_models() {
  static Table<LossModel> table{
      {"first_order", "the sum of the ops' loss errors", allowed,
       [](const LossErrors&, double sum) { return sum; }},
      {"bias", "with the bias that rounding puts on the loss", bias_limit, bias_predicted},
  };
  return table;
}

}  // namespace gainsweep::sensitivity
