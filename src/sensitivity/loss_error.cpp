#include "sensitivity/loss_error.hpp"

#include <cmath>
#include <numeric>

#include "base/error.hpp"

namespace gainsweep::sensitivity {
namespace {

void check(std::span<const execute::ProbeRecord> records, std::size_t num_ops,
           std::size_t num_low_formats) {
  if (records.empty()) throw Error(ErrorKind::internal, "there are no scores to take errors from.");
  for (const execute::ProbeRecord& record : records) {
    if (record.operands.size() != num_ops) {
      throw Error(ErrorKind::internal, "scores and run differ in their ops.");
    }
    for (const auto& operands : record.operands) {
      for (const execute::OperandProbe& operand : operands) {
        if (operand.signed_error.size() != num_low_formats ||
            operand.step_norm.size() != num_low_formats) {
          throw Error(ErrorKind::internal, "scores and run differ in their low formats.");
        }
      }
    }
  }
}

/// What an operand adds to `d` under a model of independent roundings.
double modelled(const execute::OperandProbe& probe, std::size_t low,
                const format::NumberFormat& number, Noise noise) {
  if (number.grid.kind == format::Kind::integer) return probe.step_norm[low] / 12;
  return probe.sensitivity * (noise == Noise::paper ? format::paper_noise(number.grid)
                                                    : format::log_uniform_noise(number.grid));
}

/// What one sample adds to an op's loss error in a low format.
double contribution(const graph::Op& op, const std::vector<execute::OperandProbe>& operands,
                    std::size_t low, const format::Format& format, Noise noise) {
  double sum = 0;
  if (noise == Noise::empirical) {
    for (const execute::OperandProbe& operand : operands) sum += operand.signed_error[low];
    return sum * sum;
  }
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (op.operands[i].role == graph::OperandRole::weight) {
      sum += modelled(operands[i], low, format.weight, noise);
    } else if (format.activation) {
      sum += modelled(operands[i], low, *format.activation, noise);
    }
  }
  return sum;
}

}  // namespace

std::vector<std::vector<std::vector<double>>> contributions(
    std::span<const execute::ProbeRecord> records, const std::vector<graph::Op>& ops,
    const std::vector<format::Format>& formats, Noise noise) {
  check(records, ops.size(), formats.size() - 1);
  std::vector<std::vector<std::vector<double>>> all;
  for (const execute::ProbeRecord& record : records) {
    auto& of_record = all.emplace_back();
    for (std::size_t op = 0; op < ops.size(); ++op) {
      auto& of_op = of_record.emplace_back(formats.size());
      for (std::size_t f = 1; f < formats.size(); ++f)
        of_op[f] = contribution(ops[op], record.operands[op], f - 1, formats[f], noise);
    }
  }
  return all;
}

std::vector<double> totals(const std::vector<std::vector<std::vector<double>>>& contributions) {
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

LossErrors loss_errors(std::span<const execute::ProbeRecord> records,
                       const std::vector<graph::Op>& ops,
                       const std::vector<format::Format>& formats, Noise noise) {
  const auto terms = contributions(records, ops, formats, noise);
  const std::size_t num_ops = records.front().operands.size();
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
