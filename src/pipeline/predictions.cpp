#include "pipeline/predictions.hpp"

#include "archive/field.hpp"
#include "sensitivity/prediction.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;
using sensitivity::Noise;

constexpr std::size_t num_resamples = 1000;

using Contributions = std::vector<std::vector<std::vector<double>>>;  // [sample][op][format]

// What each sample adds to an assignment's loss error.
std::vector<double> sums(const Contributions& contributions, const graph::Assignment& assignment) {
  std::vector<double> sums;
  for (const auto& of_sample : contributions) {
    double sum = 0;
    for (std::size_t op = 0; op < assignment.size(); ++op)
      sum += of_sample[op][assignment[op].index];
    sums.push_back(sum);
  }
  return sums;
}

class Rows {
 public:
  void add(const std::string& key, Noise noise, const std::string& model,
           const sensitivity::Prediction& prediction) {
    keys_.push_back(key);
    noises_.push_back(spelling(noise));
    models_.push_back(model);
    loss_errors_.push_back(prediction.loss_error);
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
             reals("predicted_mse", mean_squares_, row, "nat^2",
                   "Predicted mean square of the loss's change"),
             reals("predicted_error", errors_, row, "1", "Its root over the root-mean-square loss"),
             reals("low", lows_, row, "1",
                   "Lower end of the 95 % bootstrap interval of predicted_error"),
             reals("high", highs_, row, "1", "Its upper end")}};
  }

 private:
  std::vector<std::string> keys_, noises_, models_;
  std::vector<double> loss_errors_, mean_squares_, errors_, lows_, highs_;
};

archive::Table loss_error_table(const Layout& layout, const Measured& measured) {
  archive::Table table{"loss_errors",
                       "Loss error of each op in each format under every noise",
                       archive::Nature::deterministic,
                       {}};
  for (const auto noise : enumerators<Noise>()) {
    const auto errors =
        sensitivity::loss_errors(measured.scores, layout.formats, noise, layout.length);
    table.fields.push_back(
        reals(spelling(noise), archive::flatten(errors.d),
              {{"op", errors.d.size()}, {"format", layout.formats.size()}}, "nat^2",
              "Mean square of the loss's change when the op alone runs in the format"));
  }
  return table;
}

}  // namespace

std::vector<archive::Table> prediction_tables(const Layout& layout, const spec::Spec& spec,
                                              const Measured& measured,
                                              const std::vector<Evaluated>& plans) {
  std::vector<archive::Table> tables{loss_error_table(layout, measured)};
  std::vector<double> losses;
  for (const auto& score : measured.scores) losses.push_back(score.loss);
  const sensitivity::Resamples resamples(losses.size(), num_resamples,
                                         static_cast<std::uint64_t>(spec.seed));
  std::vector<Contributions> by_noise;
  for (const auto noise : enumerators<Noise>())
    by_noise.push_back(sensitivity::contributions(measured.scores, layout.formats, noise));
  for (const auto nature : {archive::Nature::deterministic, archive::Nature::measured}) {
    Rows rows;
    bool any = false;
    for (const auto& plan : plans) {
      if (plan.nature != nature || plan.assignment == graph::Assignment(plan.assignment.size()))
        continue;
      any = true;
      for (const auto noise : enumerators<Noise>()) {
        const auto terms = sums(by_noise[static_cast<std::size_t>(noise)], plan.assignment);
        for (const auto& model : sensitivity::loss_models())
          rows.add(assignment_key(plan.assignment, layout.formats), noise, model.name,
                   sensitivity::predict(model, terms, losses, layout.length, resamples));
      }
    }
    if (any) tables.push_back(std::move(rows).table(nature));
  }
  return tables;
}

}  // namespace gainsweep::pipeline
