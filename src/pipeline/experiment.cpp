#include "pipeline/experiment.hpp"

#include "archive/field.hpp"
#include "digest/digest.hpp"
#include "pipeline/anchor.hpp"
#include "pipeline/card_states.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/planning.hpp"
#include "pipeline/predictions.hpp"
#include "pipeline/scales.hpp"
#include "pipeline/score.hpp"
#include "pipeline/stability.hpp"
#include "pipeline/structure.hpp"
#include "pipeline/timing.hpp"
#include "pipeline/unreached.hpp"

namespace gainsweep::pipeline {
namespace {

// A row for each name that a note is about; none, no table.
std::vector<archive::Table> note_tables(const std::vector<model::Note>& all) {
  std::vector<std::string> notes, names;
  for (const auto& note : all) {
    const auto about = note.names.empty() ? std::vector<std::string>{""} : note.names;
    notes.insert(notes.end(), about.size(), note.text);
    names.insert(names.end(), about.begin(), about.end());
  }
  if (notes.empty()) return {};
  const archive::Axes axis{{"note", notes.size()}};
  return {{"notes",
           "What users should know of the model and of how calibration reached it",
           archive::Nature::deterministic,
           {archive::texts("text", notes, axis, "What was found"),
            archive::texts("about", names, axis,
                           "A tensor, key, pattern, module or op that it is about, if any")}}};
}

std::vector<archive::Table> own_tables(const Bench& bench, const batch::Results& results) {
  const auto& subject = *bench->subject;
  auto tables = to_tables(subject.layout);
  if (!subject.timing_targets.empty())
    tables.push_back(to_table(subject.layout, subject.timing_targets));
  if (const auto& graph = subject.latency_graph)
    tables.push_back(
        to_table(structures(*graph, graph::quantizable_ops(*graph), subject.layout.partition)));
  if (auto scales = scales_table(bench, results)) tables.push_back(*std::move(scales));
  const auto add = [&](std::vector<archive::Table> more) {
    std::move(more.begin(), more.end(), std::back_inserter(tables));
  };
  add(task_tables(subject.tasks));
  auto notes = subject.model->notes;
  for (auto& note : notes_of(subject.tasks)) notes.push_back(std::move(note));
  if (const auto& given = subject.given_times) {
    add(given->tables);
    notes.insert(notes.end(), given->notes.begin(), given->notes.end());
  }
  for (auto& note : unreached(bench, results)) notes.push_back(std::move(note));
  add(note_tables(notes));
  add(contest_tables(subject.spec, all_contests(bench, results)));
  const auto decision = decision_state(bench, results).value;
  if (!decision) return tables;
  add(gain_tables(subject.layout, subject.spec, *decision));
  add(stability_tables(subject.layout, subject.spec, *decision, results));
  add(given_tables(subject.layout, subject.spec, *decision, subject.given_plans));
  auto told = told_plans(bench, results);
  for (auto& plan : distinct(subject.given_plans)) told.push_back(std::move(plan));
  add(saving_tables(subject.layout, subject.spec, decision->times, told));
  add(prediction_tables(subject.layout, subject.spec, measured(bench, results),
                        evaluated_plans(bench, results)));
  return tables;
}

std::map<std::string, std::string> provenance(const Subject& subject) {
  auto texts = describe(subject.resolved);
  texts["model_digest"] = subject.model_digest;
  texts["calibration_digest"] = key::of_sample_set(subject.calibration->ids);
  texts["evaluation_digest"] = key::of_sample_set(subject.evaluation->ids);
  return texts;
}

// Unit keys follow from these: ranks that differ would wait for units that nobody makes.
std::vector<batch::Claim> claims(const Subject& subject) {
  const auto& environment = subject.environment;
  std::vector<batch::Claim> claims{{"model digest", subject.model_digest, ErrorKind::input},
                                   {"LibTorch", environment.torch_version},
                                   {"device", environment.device_name},
                                   {"instruction set", environment.instruction_set},
                                   {"arithmetic", environment.arithmetic},
                                   {"number of threads", std::to_string(environment.threads)}};
  if (const auto& given = subject.given_times)
    claims.push_back({"file of times", given->digest, ErrorKind::input});
  if (!subject.given_plans.empty())
    claims.push_back(
        {"files of plans", digest_of(subject.given_plans, subject.layout), ErrorKind::input});
  if (!subject.tasks.empty())
    claims.push_back({"files of items", digest_of(subject.tasks), ErrorKind::input});
  for (const auto& [name, text] : execute::parts(environment.identity))
    claims.push_back({"device's " + name, text});
  return claims;
}

std::map<std::string, std::string> machine(const Subject& subject) {
  const auto& environment = subject.environment;
  std::map<std::string, std::string> texts{{"host", subject.host},
                                           {"device", environment.device_name},
                                           {"instruction_set", environment.instruction_set},
                                           {"arithmetic", environment.arithmetic},
                                           {"torch_version", environment.torch_version},
                                           {"threads", std::to_string(environment.threads)},
                                           {"untimed", subject.untimed}};
  for (const auto& [name, text] : execute::parts(environment.identity))
    texts["device_" + name] = text;
  return texts;
}

}  // namespace

batch::Experiment experiment(std::shared_ptr<const Subject> subject) {
  const auto bench = std::make_shared<Workbench>(subject);
  batch::Experiment experiment;
  experiment.stages = {observe(bench), score(bench), anchor(bench), timing(bench), planning(bench)};
  experiment.tables = [bench](const batch::Results& results) { return own_tables(bench, results); };
  experiment.remarks = [bench](const batch::Results& results) {
    const auto contests = all_contests(bench, results);
    auto remarks = imprecision(bench->subject->spec, contests);
    for (auto& remark : slow_cards(contests)) remarks.push_back(std::move(remark));
    if (const auto& given = bench->subject->given_times)
      for (const auto& note : given->notes) remarks.push_back(model::to_line(note));
    for (const auto& note : notes_of(bench->subject->tasks))
      remarks.push_back(model::to_line(note));
    for (const auto& note : unreached(bench, results)) remarks.push_back(model::to_line(note));
    return remarks;
  };
  experiment.provenance = provenance(*subject);
  experiment.claims = claims(*subject);
  experiment.machine = machine(*subject);
  return experiment;
}

std::map<std::string, std::string> describe(const std::string& resolved) {
  return {{"spec_resolved", resolved}, {"spec_digest", digest::of_text(resolved)}};
}

}  // namespace gainsweep::pipeline
