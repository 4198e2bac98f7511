#include "pipeline/predictions.hpp"

#include <algorithm>
#include <utility>

#include "archive/field.hpp"
#include "pipeline/plan_predictor.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;
using sensitivity::Noise;

class Rows {
 public:
  void add(const std::string& key, const std::string& noise, const std::string& model,
           const sensitivity::Prediction& prediction) {
    keys_.push_back(key);
    noises_.push_back(noise);
    models_.push_back(model);
    loss_errors_.push_back(prediction.loss_error);
    biases_.push_back(prediction.bias);
    mean_squares_.push_back(prediction.mean_square);
    errors_.push_back(prediction.error);
    lows_.push_back(prediction.low);
    highs_.push_back(prediction.high);
  }

  archive::Table table(archive::Nature nature) && {
    const archive::Axes row{{"row", keys_.size()}};
    return {"predictions",
            "Loss errors predicted of evaluated plans under every noise and loss model",
            nature,
            {texts("assignment_key", keys_, row, "Digest that joins plans and evaluations"),
             texts("noise", noises_, row, "Model of the rounding error"),
             texts("loss_model", models_, row, "How loss errors of ops add up"),
             reals("loss_error", loss_errors_, row, "nat^2", "Sum of the ops' loss errors"),
             reals("predicted_bias", biases_, row, "nat", "Predicted mean of the loss's change"),
             reals("predicted_mse", mean_squares_, row, "nat^2",
                   "Predicted mean square of the loss's change"),
             reals("predicted_error", errors_, row, "1", "Its root over the root-mean-square loss"),
             reals("low", lows_, row, "1", "Lower end of the 95 % interval of predicted_error"),
             reals("high", highs_, row, "1", "Its upper end")}};
  }

 private:
  std::vector<std::string> keys_, noises_, models_;
  std::vector<double> loss_errors_, biases_, mean_squares_, errors_, lows_, highs_;
};

/// Those that mean something of all formats in use.
std::vector<const Noise*> suitable_noises(const Layout& layout) {
  std::vector<const Noise*> suitable;
  for (const auto& noise : sensitivity::noises())
    if (std::all_of(layout.formats.begin() + 1, layout.formats.end(),
                    [&](const auto& format) { return sensitivity::suits(noise, format); }))
      suitable.push_back(&noise);
  return suitable;
}

archive::Table loss_error_table(const Layout& layout, const Measured& measured) {
  archive::Table table{"loss_errors",
                       "Loss error of each op in each format under every noise",
                       archive::Nature::deterministic,
                       {}};
  for (const auto* noise : suitable_noises(layout)) {
    const auto errors = sensitivity::loss_errors(scores_of(layout, measured), *noise);
    table.fields.push_back(
        reals(noise->name, archive::flatten(errors.d),
              {{"op", errors.d.size()}, {"format", layout.formats.size()}}, "nat^2",
              "Mean square of the loss's change when the op alone runs in the format"));
  }
  return table;
}

archive::Table shrinkage_table(const Layout& layout, const Measured& measured) {
  std::vector<std::string> names;
  std::vector<double> factors, reliabilities;
  for (const auto& found : sensitivity::shrinkages(scores_of(layout, measured))) {
    names.push_back(layout.formats[names.size() + 1].name);
    factors.push_back(found.factor);
    reliabilities.push_back(found.reliability);
  }
  const archive::Axes row{{"row", names.size()}};
  return {"shrinkage",
          "How far empirical loss errors are trusted beside the sums of squared errors",
          archive::Nature::deterministic,
          {texts("format", names, row, "The low format"),
           reals("factor", factors, row, "1",
                 "Empirical loss errors over squares, geometric mean over ops"),
           reals("reliability", reliabilities, row, "1",
                 "Part of the spread of the ratios' logarithms that is no sampling noise")}};
}

// Rows of mean changes, whatever they are of.
struct Changes {
  std::vector<double> change, measured, divergence, gap, flattening;

  void add(const sensitivity::MeanChange& of) {
    change.push_back(of.change);
    measured.push_back(of.measured);
    divergence.push_back(of.divergence);
    gap.push_back(of.gap);
    flattening.push_back(of.flattening);
  }

  std::vector<archive::Field> fields(const archive::Axes& axis) && {
    return {reals("change", std::move(change), axis, "nat",
                  "Mean change of the loss: divergence - gap * flattening, drawn to the measured "
                  "mean where that is the surer"),
            reals("measured", std::move(measured), axis, "nat", "Measured mean change of the loss"),
            reals("divergence", std::move(divergence), axis, "nat",
                  "Mean divergence of predictions from all-high's"),
            reals("gap", std::move(gap), axis, "nat",
                  "Mean of loss less entropy of all-high: how over-confident the model is"),
            reals("flattening", std::move(flattening), axis, "1",
                  "Summed tilt over summed spread: how much flatter predictions become")};
  }
};

archive::Table mean_change_table(const Layout& layout, const Measured& measured) {
  Changes changes;
  std::vector<std::string> names;
  for (const auto& change : sensitivity::mean_changes(measured.anchors)) {
    names.push_back(layout.formats[names.size() + 1].name);
    changes.add(change);
  }
  const archive::Axes row{{"row", names.size()}};
  archive::Table table{"mean_changes",
                       "What every op in a low format does to the loss on average",
                       archive::Nature::deterministic,
                       {texts("format", names, row, "The low format")}};
  for (auto& field : std::move(changes).fields(row)) table.fields.push_back(std::move(field));
  return table;
}

using Predictors = std::vector<std::pair<std::string, PlanPredictor>>;  ///< by noise

archive::Table bias_rate_table(const Predictors& predictors) {
  std::vector<std::string> noises;
  std::vector<double> rates, lows, highs, fitted;
  for (const auto& [noise, predictor] : predictors) {
    const auto rate = *predictor.bias_rate();
    noises.push_back(noise);
    fitted.push_back(predictor.targets() / 2);
    rates.push_back(rate.value);
    lows.push_back(rate.low);
    highs.push_back(rate.high);
  }
  const archive::Axes row{{"row", noises.size()}};
  return {"bias_rates",
          "Mean change of the loss per unit of the ops' summed loss errors",
          archive::Nature::deterministic,
          {texts("noise", noises, row, "Model of the rounding error"),
           reals("bias_rate", rates, row, "1/nat", "beta; negative where rounding lowers the loss"),
           reals("low", lows, row, "1/nat", "Lower end of its 95 % bootstrap interval"),
           reals("high", highs, row, "1/nat", "Its upper end"),
           reals("fitted", fitted, row, "1/nat", "What a well-fitted model has: T/2")}};
}

}  // namespace

std::vector<archive::Table> prediction_tables(const Layout& layout, const spec::Spec& spec,
                                              const Measured& measured,
                                              const std::vector<Evaluated>& plans) {
  std::vector<archive::Table> tables{loss_error_table(layout, measured),
                                     shrinkage_table(layout, measured)};
  Predictors predictors;
  for (const auto* noise : suitable_noises(layout))
    predictors.emplace_back(noise->name, PlanPredictor(layout, measured, *noise, spec.seed));
  if (!measured.anchors.empty()) {
    tables.push_back(mean_change_table(layout, measured));
    tables.push_back(bias_rate_table(predictors));
  }
  for (const auto nature : {archive::Nature::deterministic, archive::Nature::measured}) {
    Rows rows;
    bool any = false;
    for (const auto& plan : plans) {
      if (plan.nature != nature || plan.assignment == graph::Assignment(plan.assignment.size()))
        continue;
      any = true;
      for (const auto& [noise, predictor] : predictors)
        for (const auto& model : sensitivity::loss_models())
          if (model.is_of_divergence == spec::has_no_first_order(spec.model))
            rows.add(assignment_key(plan.assignment, layout.formats), noise, model.name,
                     predictor.predict(model, plan.assignment));
    }
    if (any) tables.push_back(std::move(rows).table(nature));
  }
  return tables;
}

}  // namespace gainsweep::pipeline
