#include "sensitivity/loss_error.hpp"

#include <cmath>
#include <numeric>

#include "base/error.hpp"

namespace gainsweep::sensitivity {
std::vector<double> totals(const Contributions& contributions) {
  std::vector<double> totals;
  for (const auto& of_sample : contributions) {
    double sum = 0;
    for (const auto& of_op : of_sample) sum = std::accumulate(of_op.begin(), of_op.end(), sum);
    totals.push_back(sum);
  }
  return totals;
}

double mean_targets(std::span<const double> targets, std::span<const double> terms) {
  if (targets.empty() || targets.size() != terms.size())
    throw Error(ErrorKind::internal, std::to_string(targets.size()) + " numbers of targets for " +
                                         std::to_string(terms.size()) + " samples. Report this.");
  const double first = targets.front();
  double differences = 0, sum = 0, weighted = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    differences += targets[i] - first;
    weighted += (targets[i] - first) * terms[i];
    sum += terms[i];
  }
  return first + (sum > 0 ? weighted / sum : differences / static_cast<double>(targets.size()));
}

LossErrors loss_errors(const Scores& scores, const Noise& noise) {
  const auto terms = noise.contributions(scores);
  const auto& [records, ops, formats] = scores;
  const std::size_t num_ops = ops.size();
  const auto num_samples = static_cast<double>(records.size());
  LossErrors errors{.d = {num_ops, std::vector<double>(formats.size())},
                    .samples = static_cast<std::int64_t>(records.size())};
  std::vector<double> targets;
  for (const execute::ProbeRecord& record : records)
    targets.push_back(static_cast<double>(record.targets));
  errors.targets = mean_targets(targets, totals(terms));
  for (std::size_t r = 0; r < records.size(); ++r) {
    errors.mean_square_loss += records[r].loss * records[r].loss / num_samples;
    for (std::size_t op = 0; op < num_ops; ++op)
      for (std::size_t f = 1; f < formats.size(); ++f)
        errors.d[op][f] += terms[r][op][f] / num_samples;
  }
  return errors;
}

}  // namespace gainsweep::sensitivity
