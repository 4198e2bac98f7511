#include "pipeline/scales.hpp"

#include <cmath>

#include "archive/field.hpp"
#include "format/kernel.hpp"
#include "format/range.hpp"
#include "lower/scales.hpp"
#include "pipeline/observe.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;

bool is_weight(const graph::Op& op, std::size_t operand) {
  return op.operands[operand].role == graph::OperandRole::weight;
}

// Of blocks in two levels what a unit of their scales is.
double scale_of(const Observed& observed, const OperandIndex& place, const graph::Op& op,
                const format::Format& format) {
  const auto* number = lower::number_of(format, op, place.operand);
  if (number == nullptr) return 0;
  if (number->scale == format::ScaleRule::fixed) return 1;
  const bool is_made_later = is_weight(op, place.operand)
                                 ? !format::covers_all(*number)
                                 : number->scale == format::ScaleRule::dynamic_max;
  if (is_made_later) return 0;
  const bool in_blocks = number->granularity == format::Granularity::block;
  if (in_blocks && !number->two_level) return 0;
  const auto& maxima = format::has_operand_scale(*number) ? observed.maxima : observed.alone;
  const double scale = lower::static_scale(*number, op, place.op, place.operand, maxima);
  return in_blocks ? 1 / scale : scale;
}

}  // namespace

batch::Unit weights_unit(const Bench& bench) {
  batch::Unit unit;
  unit.key = key::weights(bench->computing);
  unit.table = weight_maxima_table;
  unit.label = "largest magnitudes of the weights";
  unit.form = batch::Form::table;
  unit.work = [about = bench->subject](batch::Context&) {
    return batch::Product{look_at_weights(*about)};
  };
  return unit;
}

batch::Fields look_at_weights(const Subject& subject) {
  const auto& ops = subject.layout.partition.ops;
  execute::Parameters parameters(*subject.model, *subject.device, execute::Precision::fp32);
  execute::Program program(lower::weight_maxima(*subject.graph, ops), parameters);
  const auto nothing = execute::make_inputs(program.graph(), {}, {}, *subject.device);
  std::vector<std::vector<double>> rows;
  std::size_t output = 0;
  for (const auto& op : ops) {
    if (op.weight_channels == 0) continue;
    auto& own = rows.emplace_back();
    while (static_cast<std::int64_t>(own.size()) < op.weight_channels) {
      const auto part = program.run(nothing, output++);
      own.insert(own.end(), part.begin(), part.end());
    }
  }
  return to_fields(rows, ops);
}

void add_weights(lower::Maxima& maxima, const batch::Fields& weights,
                 const std::vector<graph::Op>& ops) {
  if (maxima.empty())
    for (const auto& op : ops) maxima.emplace_back(op.operands.size());
  const auto axis = operand_axis(ops);
  const auto& operands = integers(weights, "operand");
  const auto& rows = reals(weights, "maximum");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [op, operand] = axis.at(static_cast<std::size_t>(operands[i]));
    auto& maximum = maxima.at(op).at(operand);
    if (std::isnan(rows[i]) || rows[i] > maximum) maximum = static_cast<float>(rows[i]);
  }
}

lower::Maxima in_precision(lower::Maxima maxima, const std::vector<graph::Op>& ops,
                           execute::Precision precision) {
  if (precision != execute::Precision::bf16) return maxima;
  const auto& bf16 = format::number_by_name("bf16").grid;
  for (std::size_t op = 0; op < maxima.size(); ++op)
    for (std::size_t operand = 0; operand < maxima[op].size(); ++operand)
      if (is_weight(ops[op], operand))
        maxima[op][operand] = format::round_to(bf16, maxima[op][operand], 1);
  return maxima;
}

batch::Fields to_fields(const std::vector<std::vector<double>>& rows,
                        const std::vector<graph::Op>& ops) {
  std::vector<std::int64_t> operands, channels;
  std::vector<double> maxima;
  const auto axis = operand_axis(ops);
  auto weight = rows.begin();
  for (std::size_t i = 0; i < axis.size(); ++i) {
    if (!is_weight(ops[axis[i].op], axis[i].operand)) continue;
    for (std::size_t channel = 0; channel < weight->size(); ++channel) {
      operands.push_back(static_cast<std::int64_t>(i));
      channels.push_back(static_cast<std::int64_t>(channel));
    }
    maxima.insert(maxima.end(), weight->begin(), weight->end());
    ++weight;
  }
  const archive::Axes row{{"row", maxima.size()}};
  return {integers("operand", operands, row, "1", "Index of the weight among the operands"),
          integers("channel", channels, row, "1", "Output channel: index of the weight's row"),
          reals("maximum", maxima, row, "1", "Largest magnitude in the row")};
}

std::optional<archive::Table> scales_table(const Bench& bench, const batch::Results& results) {
  const auto* observed = observed_state(*bench, results).value;
  if (observed == nullptr) return std::nullopt;
  const auto& layout = bench->subject->layout;
  const auto num_operands = operand_axis(layout.partition.ops).size();
  return archive::Table{
      "scales",
      "Scales of the operands in the low formats: a value is about a code times the scale",
      archive::Nature::deterministic,
      {reals("scale", scales(layout, *observed),
             {{"operand", num_operands}, {"low_format", layout.formats.size() - 1}}, "1",
             "Scale of each operand in each low format")}};
}

std::vector<double> scales(const Layout& layout, const Observed& observed) {
  std::vector<double> scales;
  const auto& ops = layout.partition.ops;
  for (const auto& place : operand_axis(ops))
    for (std::size_t f = 1; f < layout.formats.size(); ++f)
      scales.push_back(scale_of(observed, place, ops[place.op], layout.formats[f]));
  return scales;
}

}  // namespace gainsweep::pipeline
