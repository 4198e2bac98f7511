#include "pipeline/given_plans.hpp"

#include <algorithm>
#include <optional>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"
#include "pipeline/plan_predictor.hpp"
#include "plan_file/fit.hpp"
#include "sensitivity/loss_model.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals, archive::texts;

constexpr const char* table_path = "given_plans";

plan_file::Frame frame_of(const Layout& layout) {
  plan_file::Frame frame;
  for (std::size_t op = 0; op < layout.partition.ops.size(); ++op)
    frame.ops.push_back({layout.partition.ops[op].path, layout.modules[op]});
  for (const auto& format : layout.formats) {
    frame.formats.push_back(format.name);
    frame.numbers.push_back({format.weight.name, format.activation ? format.activation->name : ""});
  }
  for (const auto& subgraph : layout.partition.subgraphs)
    for (const auto& tie : subgraph.ties) {
      frame.ties.emplace_back();
      for (const auto place : tie) frame.ties.back().push_back(subgraph.ops[place].index);
    }
  return frame;
}

GivenPlan read_plan(const std::filesystem::path& file, const plan_file::Frame& frame) {
  const auto plan = plan_file::read(file);
  GivenPlan given{plan.name, file.string(), plan.model_digest, {}};
  for (const auto place : plan_file::fit(plan, frame)) given.assignment.push_back(FormatId{place});
  return given;
}

// Of a table of gains; none where a configuration is not in it.
std::optional<std::int64_t> gain_of(const gain::GainTable& gains, const Layout& layout,
                                    const graph::Assignment& assignment) {
  std::int64_t sum = 0;
  for (std::size_t j = 0; j < layout.partition.subgraphs.size(); ++j) {
    const auto place =
        gain::place(gains.configurations[j], layout.partition.subgraphs[j], assignment);
    if (!place) return std::nullopt;
    sum += gains.gains[j][*place];
  }
  return sum;
}

std::vector<GivenPlan> rows_of(const archive::Table& table) {
  const auto& formats = integers(table.fields, "assignment");
  std::vector<GivenPlan> plans;
  for (const auto& name : texts(table.fields, "name")) plans.push_back({name, "", "", {}});
  const auto num_ops = plans.empty() ? 0 : formats.size() / plans.size();
  for (std::size_t i = 0; i < plans.size(); ++i) {
    plans[i].file = texts(table.fields, "file").at(i);
    plans[i].model_digest = texts(table.fields, "model_digest").at(i);
    plans[i].assignment = to_assignment(std::span(formats).subspan(i * num_ops, num_ops));
  }
  return plans;
}

archive::Table gain_table(const Layout& layout, const spec::Spec& spec, const Decision& decision,
                          std::size_t o, std::span<const GivenPlan> plans) {
  const auto& objective = gain::objectives().at(spec.solve.objectives[o]);
  std::vector<std::string> names;
  std::vector<std::int64_t> gains;
  for (const auto& plan : plans) {
    const auto gain = gain_of(decision.gains[o], layout, plan.assignment);
    if (!gain) continue;
    names.push_back(plan.name);
    gains.push_back(*gain);
  }
  const archive::Axes row{{"row", names.size()}};
  const bool is_measured = objective.of_times && spec::measures(spec.latency);
  return {"given_gains/" + objective.name,
          "What given plans save against all-high",
          is_measured ? archive::Nature::measured : archive::Nature::deterministic,
          {texts("name", names, row, "The plan"),
           integers("gain", gains, row, objective.unit, "Predicted gain against all-high")}};
}

}  // namespace

std::vector<GivenPlan> read_plans(const std::vector<std::filesystem::path>& files,
                                  const Layout& layout) {
  const auto frame = frame_of(layout);
  std::vector<GivenPlan> plans;
  for (const auto& file : files) {
    auto plan = read_plan(file, frame);
    for (const auto& other : plans)
      if (other.name == plan.name)
        throw Error(ErrorKind::config, "evaluate.plans: " + other.file + " and " + plan.file +
                                           " are both called " + quote(plan.name) +
                                           " (tables tell plans by their names). Give one of them "
                                           "another \"name\", or leave it out.");
    plans.push_back(std::move(plan));
  }
  return plans;
}

void check_model(std::span<const GivenPlan> plans, const std::string& model_digest) {
  for (const auto& plan : plans)
    if (!plan.model_digest.empty() && plan.model_digest != model_digest)
      throw Error(ErrorKind::input,
                  plan.file + ": model_digest is " + quote(shown(plan.model_digest)) +
                      ", and that of model.checkpoint is " + quote(shown(model_digest)) +
                      " (the plan was made for another model). Name that model, or remove the key "
                      "if the plan is meant for this one.");
}

std::string digest_of(std::span<const GivenPlan> plans, const Layout& layout) {
  digest::Builder builder;
  for (const auto& plan : plans)
    builder.add(plan.name, assignment_key(plan.assignment, layout.formats));
  return builder.finish();
}

std::vector<graph::Assignment> distinct(std::span<const GivenPlan> plans) {
  std::vector<graph::Assignment> assignments;
  for (const auto& plan : plans) {
    const bool is_new =
        std::find(assignments.begin(), assignments.end(), plan.assignment) == assignments.end();
    if (is_new && plan.assignment != graph::Assignment(plan.assignment.size(), high_format))
      assignments.push_back(plan.assignment);
  }
  return assignments;
}

std::vector<archive::Table> given_tables(const Layout& layout, const spec::Spec& spec,
                                         const Decision& decision,
                                         std::span<const GivenPlan> plans) {
  if (plans.empty()) return {};
  const auto& model = sensitivity::loss_models().at(spec.solve.loss_model);
  std::vector<std::string> names, files, digests, keys;
  std::vector<std::vector<std::int64_t>> formats;
  std::vector<double> errors, mean_squares, biases, lows, highs;
  for (const auto& plan : plans) {
    const auto prediction = decision.predictor->predict(model, plan.assignment);
    names.push_back(plan.name);
    files.push_back(plan.file);
    digests.push_back(plan.model_digest);
    keys.push_back(assignment_key(plan.assignment, layout.formats));
    formats.push_back(to_indices(plan.assignment));
    errors.push_back(prediction.loss_error);
    mean_squares.push_back(prediction.mean_square);
    biases.push_back(prediction.bias);
    lows.push_back(prediction.low);
    highs.push_back(prediction.high);
  }
  const archive::Axes row{{"row", plans.size()}};
  const archive::Axes both{{"row", plans.size()}, {"op", layout.partition.ops.size()}};
  std::vector<archive::Table> tables{
      {table_path,
       "Plans that somebody else made",
       archive::Nature::deterministic,
       {texts("name", names, row, "What the plan is called"),
        texts("file", files, row, "Its file, as the spec names it"),
        texts("model_digest", digests, row, "Of the model that it says it is for, if it does"),
        texts("assignment_key", keys, row, "Digest that joins plans and evaluations"),
        integers("assignment", archive::flatten(formats), both, "1", "Index of each op's format"),
        reals("loss_error", errors, row, "nat^2", "Sum of the ops' loss errors"),
        reals("predicted_mse", mean_squares, row, "nat^2",
              "Predicted mean square of the loss's change under the spec's loss model"),
        reals("predicted_bias", biases, row, "nat", "Predicted mean of the loss's change"),
        reals("predicted_low", lows, row, "1",
              "Lower end of the 95 % interval of the predicted loss error, root mean square over "
              "the root-mean-square loss"),
        reals("predicted_high", highs, row, "1", "Its upper end")}}};
  for (std::size_t o = 0; o < spec.solve.objectives.size(); ++o)
    if (auto table = gain_table(layout, spec, decision, o, plans); table.fields[0].shape[0] > 0)
      tables.push_back(std::move(table));
  return tables;
}

std::vector<GivenPlan> to_given_plans(const archive::Contents& contents, const spec::Spec& spec) {
  std::vector<GivenPlan> known;
  for (const auto& table : contents.tables)
    if (table.path == table_path) known = rows_of(table);
  std::vector<GivenPlan> plans;
  for (const auto& file : spec.evaluate.plans) {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const auto& plan) { return plan.file == file.string(); });
    if (found == known.end())
      throw Error(ErrorKind::config,
                  "evaluate.plans names " + file.string() +
                      ", which the archive's run did not read (solve takes plans from the archive "
                      "alone). Run the spec, or leave the file out.");
    plans.push_back(*found);
  }
  return plans;
}

}  // namespace gainsweep::pipeline
