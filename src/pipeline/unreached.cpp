#include "pipeline/unreached.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "pipeline/observe.hpp"
#include "pipeline/score.hpp"

namespace gainsweep::pipeline {
namespace {

using OpTest = std::function<bool(std::size_t op)>;

std::string module_of(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == std::string::npos ? path : path.substr(0, dot);
}

// The ops that pass, by module where all of its ops do (`layers.3.mlp.experts.5`).
std::vector<std::string> named(const std::vector<graph::Op>& ops, const OpTest& passes) {
  std::map<std::string, bool> whole;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const auto [module, is_new] = whole.try_emplace(module_of(ops[i].path), true);
    module->second = module->second && passes(i);
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (!passes(i)) continue;
    const auto module = module_of(ops[i].path);
    auto name = whole.at(module) ? module : ops[i].path;
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

std::vector<model::Note> note(std::vector<std::string> names, const std::string& text) {
  if (names.empty()) return {};
  return {{text, std::move(names)}};
}

}  // namespace

std::vector<model::Note> unobserved(const std::vector<graph::Op>& ops,
                                    const lower::Maxima& maxima) {
  const auto saw_zeros = [&](std::size_t op) {
    for (std::size_t k = 0; k < ops[op].operands.size(); ++k)
      if (ops[op].operands[k].role == graph::OperandRole::activation && maxima[op][k] != 0)
        return false;
    return true;
  };
  return note(named(ops, saw_zeros),
              "only zeros came to ops in the samples that static scales are taken from (of a "
              "mixture: to experts that no token chose); their activations' scales are 1, and more "
              "calibration.scale_samples may reach them");
}

std::vector<model::Note> without_effect(const std::vector<graph::Op>& ops,
                                        const std::vector<execute::ProbeRecord>& scores) {
  if (scores.empty()) return {};
  const auto is_zero = [](const execute::OperandProbe& probe) { return probe.sensitivity == 0; };
  const auto has_none = [&](std::size_t op) {
    return std::ranges::all_of(scores, [&](const auto& score) {
      return std::ranges::all_of(score.operands[op], is_zero);
    });
  };
  return note(named(ops, has_none),
              "no scored sample's loss depends on ops (of a mixture: on experts that no token "
              "chose); their loss errors are 0 and say nothing, and more calibration.samples may "
              "reach them");
}

std::vector<model::Note> unreached(const Bench& bench, const batch::Results& results) {
  const auto& layout = bench->subject->layout;
  const auto& ops = layout.partition.ops;
  std::vector<model::Note> notes;
  const auto* observed = observed_state(*bench, results).value;
  if (observed != nullptr && has_static_scales(layout.formats))
    notes = unobserved(ops, observed->maxima);
  std::vector<execute::ProbeRecord> scores;
  for (const auto& key : score_state(*bench, results).keys)
    scores.push_back(to_score(*results.find(key), ops, layout.formats.size() - 1));
  auto scored = without_effect(ops, scores);
  std::move(scored.begin(), scored.end(), std::back_inserter(notes));
  return notes;
}

}  // namespace gainsweep::pipeline
