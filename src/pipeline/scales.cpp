#include "pipeline/scales.hpp"

#include <algorithm>

#include "archive/field.hpp"
#include "format/scale.hpp"
#include "pipeline/observe.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;

bool is_weight(const graph::Op& op, std::size_t operand) {
  return op.operands[operand].role == graph::OperandRole::weight;
}

batch::Product look_at_weights(const Subject& subject) {
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

double scale_of(const Layout& layout, const lower::Maxima& maxima, const OperandIndex& place,
                double weight_maximum, const format::Format& format) {
  const auto& op = layout.partition.ops[place.op];
  if (format.activation_scale == format::ScaleRule::fixed) return 1;
  if (is_weight(op, place.operand))
    return format::scale_of(format, static_cast<float>(weight_maximum), format.weight_backoff);
  if (format.activation_scale == format::ScaleRule::dynamic_max) return 0;
  return format::scale_of(format, maxima.at(place.op).at(place.operand), format.activation_backoff);
}

// The largest magnitude of each operand, by the record of the weights.
std::vector<double> largest(const archive::Record& record, std::size_t num_operands) {
  std::vector<double> maxima(num_operands);
  const auto& operands = integers(record.fields, "operand");
  const auto& rows = reals(record.fields, "maximum");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& maximum = maxima.at(static_cast<std::size_t>(operands[i]));
    maximum = std::max(maximum, rows[i]);
  }
  return maxima;
}

}  // namespace

batch::Unit weights_unit(const Bench& bench) {
  batch::Unit unit;
  unit.key = key::weights(bench->computing);
  unit.table = weight_maxima_table;
  unit.label = "largest magnitudes of the weights";
  unit.form = batch::Form::table;
  unit.work = [about = bench->subject](batch::Context&) { return look_at_weights(*about); };
  return unit;
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
  const auto* weights = results.find(key::weights(bench->computing));
  if (observed == nullptr || weights == nullptr) return std::nullopt;
  const auto& layout = bench->subject->layout;
  const auto num_operands = operand_axis(layout.partition.ops).size();
  return archive::Table{
      "scales",
      "Scales of the operands in the low formats: a value is about a code times the scale",
      archive::Nature::deterministic,
      {reals("scale", scales(layout, observed->maxima, largest(*weights, num_operands)),
             {{"operand", num_operands}, {"low_format", layout.formats.size() - 1}}, "1",
             "Scale of each operand in each low format")}};
}

std::vector<double> scales(const Layout& layout, const lower::Maxima& maxima,
                           const std::vector<double>& weights) {
  std::vector<double> scales;
  const auto axis = operand_axis(layout.partition.ops);
  for (std::size_t i = 0; i < axis.size(); ++i)
    for (std::size_t f = 1; f < layout.formats.size(); ++f)
      scales.push_back(scale_of(layout, maxima, axis[i], weights[i], layout.formats[f]));
  return scales;
}

}  // namespace gainsweep::pipeline
