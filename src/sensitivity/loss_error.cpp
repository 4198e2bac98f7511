#include "sensitivity/loss_error.hpp"

#include <cmath>

#include "base/error.hpp"

namespace gainsweep::sensitivity {
namespace {

void check(std::span<const execute::ProbeRecord> records, std::size_t num_low_formats) {
  if (records.empty()) throw Error(ErrorKind::internal, "there are no scores to take errors from.");
  const std::size_t num_ops = records.front().operands.size();
  for (const execute::ProbeRecord& record : records) {
    if (record.operands.size() != num_ops) {
      throw Error(ErrorKind::internal, "scores of samples differ in their ops.");
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

/// What one sample adds to an op's loss error in a low format.
double contribution(const std::vector<execute::OperandProbe>& operands, std::size_t low,
                    const format::Format& format, Noise noise) {
  double sum = 0;
  if (noise == Noise::empirical) {
    for (const execute::OperandProbe& operand : operands) sum += operand.signed_error[low];
    return sum * sum;
  }
  if (format.grid.kind == format::Kind::integer) {
    for (const execute::OperandProbe& operand : operands) sum += operand.step_norm[low];
    return sum / 12;
  }
  for (const execute::OperandProbe& operand : operands) sum += operand.sensitivity;
  const double noise_constant = noise == Noise::paper ? format::paper_noise(format.grid)
                                                      : format::log_uniform_noise(format.grid);
  return noise_constant * sum;
}

}  // namespace

LossErrors loss_errors(std::span<const execute::ProbeRecord> records,
                       const std::vector<format::Format>& formats, Noise noise) {
  check(records, formats.size() - 1);
  const std::size_t num_ops = records.front().operands.size();
  const auto num_samples = static_cast<double>(records.size());
  LossErrors errors{.d = {num_ops, std::vector<double>(formats.size())},
                    .samples = static_cast<std::int64_t>(records.size())};
  for (const execute::ProbeRecord& record : records) {
    errors.mean_square_loss += record.loss * record.loss / num_samples;
    for (std::size_t op = 0; op < num_ops; ++op) {
      for (std::size_t f = 1; f < formats.size(); ++f) {
        errors.d[op][f] +=
            contribution(record.operands[op], f - 1, formats[f], noise) / num_samples;
      }
    }
  }
  return errors;
}

double budget(LossModel model, double threshold, double mean_square_loss, std::int64_t length) {
  const double allowed = threshold * threshold * mean_square_loss;
  if (model == LossModel::first_order) return allowed;
  // 2(√(1 + T²B) − 1)/T² without its cancellation at small T²B.
  const auto tokens = static_cast<double>(length);
  return 2 * allowed / (std::sqrt(1 + tokens * tokens * allowed) + 1);
}

double predicted_mse(LossModel model, double sum, std::int64_t length) {
  if (model == LossModel::first_order) return sum;
  const double bias = static_cast<double>(length) / 2 * sum;
  return sum + bias * bias;
}

}  // namespace gainsweep::sensitivity
