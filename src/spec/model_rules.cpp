#include <tuple>

#include "spec/case.hpp"

namespace gainsweep::spec {
namespace {

void check_one_model(const Case& c) {
  const auto& model = c.parts.spec.model;
  if (model.checkpoint.has_value() != model.exported.has_value()) return;
  c.add("model",
        model.exported
            ? "both checkpoint and exported (a run is of one model). Leave one of them out."
            : "neither a checkpoint nor an exported model. Write one, for example "
              "'checkpoint: configs/models/embedded'.");
}

// What a kind of model has no use for, and what it needs.
void check_model_inputs(const Case& c) {
  const auto& [model, calibration] = std::tie(c.parts.spec.model, c.parts.spec.calibration);
  if (!model.checkpoint && !model.exported && !calibration.tokens && !calibration.inputs)
    c.add("calibration",
          "neither tokens nor inputs. Write the file, for example 'tokens: "
          "configs/data/embedded.h5'.");
  if (model.checkpoint.has_value() == model.exported.has_value()) return;
  const bool is_exported = model.exported.has_value();
  const std::string own = is_exported ? "inputs" : "tokens",
                    other = is_exported ? "tokens" : "inputs";
  const std::string kind = is_exported ? "an exported model" : "a language model";
  if (!(is_exported ? calibration.inputs : calibration.tokens))
    c.add("calibration",
          "no " + own + ", which samples of " + kind + " are. Write the file, for " + "example '" +
              own + ": " +
              (is_exported ? "configs/exported/fashion.h5" : "configs/data/embedded.h5") + "'.");
  const auto refuse = [&](bool is_there, const std::string& key) {
    if (!is_there) return;
    c.add(key, "of no use to " + kind +
                   " (docs/exported_models.md tells which keys are). Leave it out.");
  };
  const auto& evaluate = c.parts.spec.evaluate;
  refuse((is_exported ? calibration.tokens : calibration.inputs).has_value(),
         "calibration." + other);
  refuse((is_exported ? evaluate.tokens : evaluate.inputs).has_value(), "evaluate." + other);
  refuse(!is_exported && model.loss != ModelSpec{}.loss, "model.loss");
  refuse(is_exported && calibration.length != 1, "calibration.length");
  refuse(is_exported && c.parts.spec.latency.length != 1, "latency.length");
  refuse(is_exported && !evaluate.tasks.empty(), "evaluate.tasks");
}

void check_second_order(const Case& c) {
  const auto& [model, solve] = std::tie(c.parts.spec.model, c.parts.spec.solve);
  const bool is_second = solve.loss_model == "second_order";
  if (is_second == has_no_first_order(model)) return;
  c.add("solve.loss_model",
        is_second ? "'second_order' of a loss with labels (its first order does not vanish). Write "
                    "bias or anchored."
                  : "'" + solve.loss_model +
                        "' where model.loss is divergence (its gradient is 0 at the model itself, "
                        "so the first order means nothing). Write second_order, or leave it out.");
}

}  // namespace

std::vector<Rule> model_rules() {
  return {
      {"`model` has one of `checkpoint` and `exported`.",
       {"model.checkpoint", "model.exported"},
       check_one_model},
      {"A model of `checkpoint` has samples of `tokens`, in `calibration` and `evaluate`; one of "
       "`exported` of `inputs`, and neither `calibration.length`, `latency.length` nor "
       "`evaluate.tasks`.",
       {"model", "calibration", "evaluate"},
       check_model_inputs},
      {"`solve.loss_model` is `second_order` exactly where `model.loss` is `divergence`.",
       {"model", "solve.loss_model"},
       check_second_order},
  };
}

}  // namespace gainsweep::spec
