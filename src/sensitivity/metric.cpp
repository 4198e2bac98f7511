#include "sensitivity/metric.hpp"

#include <cmath>

#include "base/error.hpp"

namespace gainsweep::sensitivity {
namespace {

/// The mean of numbers of samples with its standard error.
MeasuredError mean(const std::vector<double>& values) {
  const auto count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value / count;
  for (const double value : values) squares += (value - sum) * (value - sum);
  return {sum, values.size() < 2 ? 0 : std::sqrt(squares / (count - 1) / count)};
}

void check(const std::vector<double>& all_high, const std::vector<double>& plan) {
  if (all_high.empty() || all_high.size() != plan.size())
    throw Error(ErrorKind::internal, "plans were measured on " + std::to_string(all_high.size()) +
                                         " and " + std::to_string(plan.size()) +
                                         " samples. Report this.");
}

MeasuredError loss_error(const Searched& all_high, const Searched& plan) {
  return measured_error(all_high.losses, plan.losses);
}

MeasuredError divergence(const Searched& all_high, const Searched& plan) {
  check(all_high.divergences, plan.divergences);
  return mean(plan.divergences);
}

MeasuredError accuracy(const Searched& all_high, const Searched& plan) {
  check(all_high.top1, plan.top1);
  std::vector<double> lost;
  for (std::size_t i = 0; i < plan.top1.size(); ++i)
    lost.push_back(all_high.top1[i] - plan.top1[i]);
  const double right = mean(all_high.top1).value;
  const auto found = mean(lost);
  // Where nothing is right nothing can be lost.
  return right == 0 ? MeasuredError{}
                    : MeasuredError{found.value / right, found.standard_error / right};
}

MeasuredError agreement(const Searched& all_high, const Searched& plan) {
  check(all_high.agreements, plan.agreements);
  auto found = mean(plan.agreements);
  found.value = 1 - found.value;
  return found;
}

}  // namespace

const Table<Metric>& metrics() {
  static const Table<Metric> rows{
      {"loss_error", "the measured loss error τ", loss_error},
      {"divergence", "the mean divergence from all-high's predictions", divergence},
      {"accuracy", "the lost part of what all-high has right", accuracy, /*needs_targets=*/true},
      {"agreement", "the part whose likeliest class is not all-high's", agreement}};
  return rows;
}

}  // namespace gainsweep::sensitivity
