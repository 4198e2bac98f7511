#include "pipeline/record.hpp"

#include "base/error.hpp"
#include "pipeline/field.hpp"
#include "pipeline/layout.hpp"

namespace gainsweep::pipeline {
namespace {

archive::Record row(const Unit& unit, std::vector<archive::Field> fields) {
  return {unit.table, unit.nature, unit.key, unit.order, std::move(fields)};
}

template <class Row>
std::vector<typename Row::value_type> flatten(const std::vector<Row>& rows) {
  std::vector<typename Row::value_type> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return flat;
}

template <class T>
std::vector<std::vector<T>> fold(const std::vector<T>& flat, std::size_t rows) {
  std::vector<std::vector<T>> folded;
  const std::size_t width = rows == 0 ? 0 : flat.size() / rows;
  for (std::size_t i = 0; i < rows; ++i)
    folded.emplace_back(flat.begin() + static_cast<std::ptrdiff_t>(i * width),
                        flat.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
  return folded;
}

template <class T>
std::vector<std::vector<T>> operand_rows(const std::vector<graph::Op>& ops) {
  std::vector<std::vector<T>> rows;
  for (const auto& op : ops) rows.emplace_back(op.operands.size());
  return rows;
}

archive::Field sample_field(const Unit& unit) {
  return integers("sample", {static_cast<std::int64_t>(unit.index)}, {}, "1",
                  "Index of the calibration sample");
}

}  // namespace

archive::Record to_record(const Unit& unit, const lower::Maxima& maxima,
                          const std::vector<graph::Op>& ops) {
  std::vector<double> values;
  for (const auto [op, operand] : operand_axis(ops)) values.push_back(maxima[op][operand]);
  const Axes operand{{"operand", values.size()}};
  return row(unit, {sample_field(unit),
                    reals("maximum", values, operand, "1",
                          "Largest magnitude of an activation operand, 0 for weights")});
}

lower::Maxima to_maxima(const archive::Record& record, const std::vector<graph::Op>& ops) {
  auto maxima = operand_rows<float>(ops);
  const auto& values = reals(record.fields, "maximum");
  std::size_t i = 0;
  for (const auto [op, operand] : operand_axis(ops))
    maxima[op][operand] = static_cast<float>(values.at(i++));
  return maxima;
}

archive::Record to_record(const Unit& unit, const sensitivity::ScoreRecord& score,
                          const std::vector<graph::Op>& ops, std::size_t num_low_formats) {
  std::vector<double> sensitivity;
  std::vector<std::vector<double>> signed_error, step_norm;
  for (const auto [op, operand] : operand_axis(ops)) {
    const auto& probe = score.operands[op][operand];
    sensitivity.push_back(probe.sensitivity);
    signed_error.push_back(probe.signed_error);
    step_norm.push_back(probe.step_norm);
  }
  const Axes operand{{"operand", sensitivity.size()}};
  const Axes both{{"operand", sensitivity.size()}, {"low_format", num_low_formats}};
  return row(
      unit,
      {sample_field(unit),
       reals("loss", {score.loss}, {}, "nat", "Mean cross entropy of the sample, high format"),
       reals("sensitivity", sensitivity, operand, "nat^2", "Sum over elements of (z dg/dz)^2"),
       reals("signed_error", flatten(signed_error), both, "nat",
             "Sum over elements of dg/dz (Q(z) - z)"),
       reals("step_norm", flatten(step_norm), both, "nat^2",
             "Integer formats: sum over scale groups of step^2 times the sum of (dg/dz)^2 "
             "over non-zero z; 0 for floating formats")});
}

sensitivity::ScoreRecord to_score(const archive::Record& record, const std::vector<graph::Op>& ops,
                                  std::size_t num_low_formats) {
  sensitivity::ScoreRecord score;
  score.loss = reals(record.fields, "loss").at(0);
  score.operands = operand_rows<execute::OperandProbe>(ops);
  const auto axis = operand_axis(ops);
  const auto& sensitivity = reals(record.fields, "sensitivity");
  const auto& signed_error = reals(record.fields, "signed_error");
  const auto& step_norm = reals(record.fields, "step_norm");
  if (sensitivity.size() != axis.size() || signed_error.size() != axis.size() * num_low_formats ||
      step_norm.size() != signed_error.size())
    throw Error(ErrorKind::input, "a score has " + std::to_string(sensitivity.size()) +
                                      " operands and " + std::to_string(signed_error.size()) +
                                      " signed errors where the ops have " +
                                      std::to_string(axis.size()) + " operands and the spec " +
                                      std::to_string(num_low_formats) +
                                      " low formats. Use the spec that the scores were made with.");
  for (std::size_t i = 0; i < axis.size(); ++i) {
    auto& probe = score.operands[axis[i].op][axis[i].operand];
    const auto first = static_cast<std::ptrdiff_t>(i * num_low_formats);
    const auto last = first + static_cast<std::ptrdiff_t>(num_low_formats);
    probe.sensitivity = sensitivity[i];
    probe.signed_error.assign(signed_error.begin() + first, signed_error.begin() + last);
    probe.step_norm.assign(step_norm.begin() + first, step_norm.begin() + last);
  }
  return score;
}

archive::Record to_record(const Unit& unit, const TimingRound& round) {
  const auto& timings = round.timings;
  const std::size_t blocks = timings.seconds.size();
  const std::size_t width = blocks == 0 ? 0 : timings.seconds[0].size();
  const Axes block{{"block", blocks}, {"configuration", width}};
  return row(unit,
             {integers("round", {static_cast<std::int64_t>(unit.round)}, {}, "1",
                       "Round of blocks; further rounds are added until the stopping rule is met"),
              reals("seconds", flatten(timings.seconds), block, "s",
                    "Time of one run; configuration 0 is all-high"),
              integers("order", flatten(timings.order), block, "1",
                       "Configuration timed at each place of the block"),
              integers("warm_up_runs", {static_cast<std::int64_t>(timings.warmup.size())}, {}, "1",
                       "Runs of the baseline before the round's first block"),
              reals("warm_up_last", {timings.warmup.empty() ? 0 : timings.warmup.back()}, {}, "s",
                    "Time of the last of them"),
              texts("kernels", round.kernels, {{"kernel", round.kernels.size()}},
                    "Kernels that linear layers ran on, as the library names them")});
}

latency::Timings to_timings(const archive::Record& record) {
  const auto& shape = find(record.fields, "seconds").shape;
  latency::Timings timings;
  timings.seconds = fold(reals(record.fields, "seconds"), shape.at(0));
  timings.order = fold(integers(record.fields, "order"), shape.at(0));
  return timings;
}

archive::Record to_record(const Unit& unit, const Plans& plans, const std::string& gain_units) {
  const std::size_t draws = plans.assignments.size();
  std::vector<std::int64_t> formats;
  for (const auto& assignment : plans.assignments)
    for (const auto format : assignment) formats.push_back(static_cast<std::int64_t>(format.index));
  const Axes draw{{"draw", draws}};
  const Axes both{{"draw", draws}, {"op", draws == 0 ? 0 : plans.assignments[0].size()}};
  const auto& certificate = plans.certificate;
  return row(unit,
             {reals("threshold", {plans.threshold}, {}, "1",
                    "Allowed root-mean-square loss error relative to the root-mean-square loss"),
              reals("budget", {plans.budget}, {}, "nat^2", "Largest allowed sum of loss errors"),
              integers("assignment", formats, both, "1", "Index of each op's format"),
              texts("assignment_key", plans.assignment_keys, draw,
                    "Digest that joins plans and evaluations"),
              integers("gain", plans.gains, draw, gain_units, "Predicted gain against all-high"),
              reals("loss_error", plans.loss_errors, draw, "nat^2", "Sum of the ops' loss errors"),
              reals("predicted_mse", plans.predicted_mse, draw, "nat^2",
                    "Predicted mean square of the loss's change under the spec's loss model"),
              integers("num_samples", {plans.num_samples}, {}, "1",
                       "Calibration samples that the loss errors stand on"),
              reals("certificate_gap", {certificate.relative_gap}, {}, "1",
                    "Relative difference between the integer program's certificate and the plan"),
              integers("certificate_nodes", {certificate.nodes}, {}, "1",
                       "Branch-and-bound nodes of the certificate"),
              integers("certificate_proved", {certificate.proved ? 1 : 0}, {}, "1",
                       "0 where the certificate's search ended at its limit of nodes")});
}

Plans to_plans(const archive::Record& record) {
  Plans plans;
  plans.threshold = reals(record.fields, "threshold").at(0);
  plans.budget = reals(record.fields, "budget").at(0);
  plans.gains = integers(record.fields, "gain");
  plans.loss_errors = reals(record.fields, "loss_error");
  plans.predicted_mse = reals(record.fields, "predicted_mse");
  plans.assignment_keys = texts(record.fields, "assignment_key");
  plans.num_samples = integers(record.fields, "num_samples").at(0);
  plans.certificate.relative_gap = reals(record.fields, "certificate_gap").at(0);
  plans.certificate.nodes = integers(record.fields, "certificate_nodes").at(0);
  plans.certificate.proved = integers(record.fields, "certificate_proved").at(0) != 0;
  for (const auto& row : fold(integers(record.fields, "assignment"), plans.gains.size())) {
    plans.assignments.emplace_back();
    for (const auto format : row)
      plans.assignments.back().push_back({static_cast<std::size_t>(format)});
  }
  return plans;
}

archive::Record to_record(const Unit& unit, const std::vector<double>& losses,
                          const std::string& assignment_key) {
  std::vector<std::int64_t> formats;
  for (const auto format : unit.assignment)
    formats.push_back(static_cast<std::int64_t>(format.index));
  return row(
      unit,
      {texts("assignment_key", {assignment_key}, {}, "Digest that joins plans and evaluations"),
       integers("assignment", formats, {{"op", formats.size()}}, "1", "Index of each op's format"),
       reals("loss", losses, {{"sample", losses.size()}}, "nat",
             "Mean cross entropy of each evaluation sample")});
}

}  // namespace gainsweep::pipeline
