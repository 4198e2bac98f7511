#include "sensitivity/noise.hpp"

#include "base/error.hpp"

namespace gainsweep::sensitivity {
namespace {

using execute::OperandProbe;

void check(const Scores& scores) {
  if (scores.records.empty())
    throw Error(ErrorKind::internal, "there are no scores to take errors from.");
  const auto low_formats = scores.formats.size() - 1;
  for (const auto& record : scores.records) {
    if (record.operands.size() != scores.ops.size())
      throw Error(ErrorKind::internal, "scores and run differ in their ops.");
    for (const auto& operands : record.operands)
      for (const auto& operand : operands)
        if (operand.signed_error.size() != low_formats ||
            operand.square_error.size() != low_formats || operand.step_norm.size() != low_formats)
          throw Error(ErrorKind::internal, "scores and run differ in their low formats.");
  }
}

/// What `of(op, operands, low, format)` says of each op in each low format.
template <class Of>
Contributions by_op(const Scores& scores, Of of) {
  check(scores);
  Contributions all;
  for (const auto& record : scores.records) {
    auto& of_record = all.emplace_back();
    for (std::size_t op = 0; op < scores.ops.size(); ++op) {
      auto& of_op = of_record.emplace_back(scores.formats.size());
      for (std::size_t f = 1; f < scores.formats.size(); ++f)
        of_op[f] = of(scores.ops[op], record.operands[op], f - 1, scores.formats[f]);
    }
  }
  return all;
}

Contributions empirical(const Scores& scores) {
  return by_op(scores, [](const auto&, const auto& operands, std::size_t low, const auto&) {
    double sum = 0;
    for (const OperandProbe& operand : operands) sum += operand.signed_error[low];
    return sum * sum;
  });
}

Contributions squares(const Scores& scores) {
  return by_op(scores, [](const auto&, const auto& operands, std::size_t low, const auto&) {
    double sum = 0;
    for (const OperandProbe& operand : operands) sum += operand.square_error[low];
    return sum;
  });
}

Contributions shrunken_squares(const Scores& scores) {
  return shrunken(empirical(scores), squares(scores)).contributions;
}

/// What an operand adds under a model of independent roundings with `alpha` of floating numbers.
template <double (*alpha)(const format::Grid&)>
double modelled(const OperandProbe& probe, std::size_t low, const format::NumberFormat& number) {
  if (number.grid.kind == format::Kind::integer) return probe.step_norm[low] / 12;
  return probe.sensitivity * alpha(number.grid);
}

template <double (*alpha)(const format::Grid&)>
Contributions independent(const Scores& scores) {
  return by_op(scores, [](const graph::Op& op, const auto& operands, std::size_t low,
                          const format::Format& format) {
    double sum = 0;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (op.operands[i].role == graph::OperandRole::weight) {
        sum += modelled<alpha>(operands[i], low, format.weight);
      } else if (format.activation) {
        sum += modelled<alpha>(operands[i], low, *format.activation);
      }
    }
    return sum;
  });
}

}  // namespace

Table<Noise>& noises() {
  static Table<Noise> table{
      {"empirical", "the error that a sample's rounding makes in its loss, squared", empirical},
      {"squares", "the same of each element by itself, which fewer samples tell, summed", squares},
      {"shrunken", "`empirical` drawn to `squares` as far as samples do not tell it",
       shrunken_squares},
      {"paper", "independent errors of the size that the paper states",
       independent<format::paper_noise>, "first_order", true},
      {"log_uniform", "the same averaged over numbers inside a binade",
       independent<format::log_uniform_noise>, "anchored", true},
  };
  return table;
}

std::vector<Shrinkage> shrinkages(const Scores& scores) {
  return shrunken(empirical(scores), squares(scores)).by_format;
}

bool suits(const Noise& noise, const format::Format& format) {
  if (!noise.is_relative) return true;
  return !format::is_narrow(format.weight.grid) &&
         !(format.activation && format::is_narrow(format.activation->grid));
}

}  // namespace gainsweep::sensitivity
