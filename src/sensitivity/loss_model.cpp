#include "sensitivity/loss_model.hpp"

#include <cmath>

namespace gainsweep::sensitivity {
namespace {

double allowed(const LossErrors& errors, double threshold) {
  return threshold * threshold * errors.mean_square_loss;
}

// What is added to the loss of T targets for each unit of D, by the Fisher identity.
double fisher_rate(const LossErrors& errors) {
  return errors.targets / 2;
}

double anchored_rate(const LossErrors& errors) {
  return errors.bias_rate.value_or(fisher_rate(errors));
}

using Rate = double (*)(const LossErrors&);

// The D whose D + (βD)² is allowed: (√(1 + 4β²B) − 1)/(2β²) without its cancellation at small β²B.
template <Rate rate>
double limit(const LossErrors& errors, double threshold) {
  const double mean_square = allowed(errors, threshold);
  const double beta = rate(errors);
  return 2 * mean_square / (std::sqrt(1 + 4 * beta * beta * mean_square) + 1);
}

template <Rate rate>
double bias(const LossErrors& errors, double sum) {
  return rate(errors) * sum;
}

template <Rate rate>
double predicted(const LossErrors& errors, double sum) {
  const double change = bias<rate>(errors, sum);
  return sum + change * change;
}

// What a divergence grows by is all bias: (T/2·D)² is its square.
double second_order_limit(const LossErrors& errors, double threshold) {
  return std::sqrt(allowed(errors, threshold)) / fisher_rate(errors);
}

double second_order(const LossErrors& errors, double sum) {
  const double change = bias<fisher_rate>(errors, sum);
  return change * change;
}

}  // namespace

Table<LossModel>& loss_models() {
  static Table<LossModel> table{
      {"first_order", "the sum of the ops' loss errors", allowed,
       [](const LossErrors&, double sum) { return sum; }},
      {"bias", "with the bias that rounding puts on the loss of a well-fitted model",
       limit<fisher_rate>, predicted<fisher_rate>, bias<fisher_rate>},
      {"anchored", "with the bias that anchors measured", limit<anchored_rate>,
       predicted<anchored_rate>, bias<anchored_rate>},
      {"second_order", "the curvature alone, of a divergence from the model itself",
       second_order_limit, second_order, bias<fisher_rate>, true},
  };
  return table;
}

}  // namespace gainsweep::sensitivity
