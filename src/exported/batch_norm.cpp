#include "exported/batch_norm.hpp"

#include <algorithm>

#include "exported/reads.hpp"

namespace gainsweep::exported {
namespace {

constexpr double default_epsilon = 1e-5;

/// Whether an argument's numbers are stored; `or_none`: it may be none, too.
bool is_stored(const Translator& translator, const Call& call, const char* name, bool or_none) {
  const auto tensor = call.tensor(name);
  return tensor ? translator.is_stored(*tensor) : or_none;
}

/// Whether a convolution's result goes into this norm alone, whose numbers are all stored.
bool folds(const Translator& translator, const Call& norm) {
  const auto input = norm.tensor("input");
  if (!input || translator.reads(*input) != 1) return false;
  return is_stored(translator, norm, "weight", true) && is_stored(translator, norm, "bias", true) &&
         is_stored(translator, norm, "running_mean", false) &&
         is_stored(translator, norm, "running_var", false);
}

graph::Argument value_or_none(Translator& translator, const Call& call, const char* name) {
  const auto tensor = call.tensor(name);
  return tensor ? graph::Argument{translator.value(*tensor)} : graph::Argument{};
}

double epsilon_of(const Call& norm) {
  return norm.value_or("eps", default_epsilon);
}

/// The tensor that a norm gives; others of it are of training.
std::string result_of(const Translator& translator, const Call& norm) {
  const auto results = tensors_given(norm.node);
  for (std::size_t i = 1; i < results.size(); ++i)
    if (translator.reads(results[i]) > 0)
      translator.refuse(norm.node, "gives statistics that something reads",
                        "Call model.eval() before exporting");
  return translator.result(norm.node);
}

/// The folded norm that reads a convolution's result; null where there is none.
const Node* norm_behind(const Translator& translator, const Call& convolution) {
  const auto* reader = translator.only_reader(translator.result(convolution.node));
  const auto* op = reader == nullptr ? nullptr : find_operator(reader->target);
  if (op == nullptr || op->form != Operator::Form::batch_norm) return nullptr;
  const bool is_of_weights = is_stored(translator, convolution, "weight", false) &&
                             is_stored(translator, convolution, "bias", true);
  return is_of_weights && folds(translator, {*reader, *op}) ? reader : nullptr;
}

}  // namespace

std::optional<std::string> fold_batch_norm(Translator& translator, const Call& convolution,
                                           const std::string& path,
                                           std::vector<graph::Argument>& arguments) {
  const auto* behind = norm_behind(translator, convolution);
  if (behind == nullptr) return std::nullopt;
  const Call norm{*behind, *find_operator(behind->target)};
  const auto scale = value_or_none(translator, norm, "weight");
  const auto variance = value_or_none(translator, norm, "running_var");
  const auto epsilon = epsilon_of(norm);
  auto& graph = translator.graph();
  const auto weight = std::get<graph::ValueId>(arguments.at(1));
  const auto shape = translator.shape(weight);
  arguments.resize(std::max<std::size_t>(arguments.size(), 3), graph::Default{});
  arguments[1] = graph.add_node("gainsweep::fold_norm_weight", {weight, scale, variance, epsilon},
                                shape, path);
  arguments[2] =
      graph.add_node("gainsweep::fold_norm_bias",
                     {value_or_none(translator, convolution, "bias"), scale,
                      value_or_none(translator, norm, "bias"),
                      value_or_none(translator, norm, "running_mean"), variance, epsilon},
                     {shape[0]}, path);
  return result_of(translator, norm);
}

void write_batch_norm(Translator& translator, const Call& norm) {
  const auto result = result_of(translator, norm);
  if (translator.has(result)) return;
  const auto value = translator.operand(norm, "input");
  auto& graph = translator.graph();
  const auto epsilon = epsilon_of(norm);
  translator.name(result, graph.add_node("aten::batch_norm",
                                         {value, value_or_none(translator, norm, "weight"),
                                          value_or_none(translator, norm, "bias"),
                                          value_or_none(translator, norm, "running_mean"),
                                          value_or_none(translator, norm, "running_var"), false,
                                          0.0, epsilon, false},
                                         translator.shape_of(result), norm.node.module));
}

}  // namespace gainsweep::exported
