#include "world.hpp"

#include <algorithm>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "pipeline/anchor.hpp"
#include "pipeline/card_states.hpp"
#include "pipeline/contest.hpp"
#include "pipeline/experiment.hpp"
#include "pipeline/loss_set.hpp"
#include "pipeline/observe.hpp"
#include "pipeline/scales.hpp"
#include "pipeline/score.hpp"

namespace gainsweep::pipeline::models {
namespace {

using archive::integers, archive::reals, archive::texts;

// The assignment of two formats whose key a loss unit's label names.
graph::Assignment named(const batch::Unit& unit, const Layout& layout) {
  const auto num_ops = layout.partition.ops.size();
  for (std::size_t bits = 0; bits < std::size_t{1} << num_ops; ++bits) {
    graph::Assignment assignment;
    for (std::size_t op = 0; op < num_ops; ++op) assignment.push_back({bits >> op & 1});
    const auto key = assignment_key(assignment, layout.formats);
    if (unit.label.find(shown(key)) != std::string::npos) return assignment;
  }
  throw Error(ErrorKind::internal, unit.label + " names no assignment");
}

sensitivity::AnchorRecord made_up_anchors(std::size_t sample) {
  const auto more = 0.01 * static_cast<double>(sample);
  return {2, execute::Confidence{1.9, 5}, {{0.2 + more, {0.2 + more, 0.1}}}};
}

}  // namespace

std::shared_ptr<const Samples> samples(const std::string& name, std::size_t count) {
  Samples made;
  for (std::size_t i = 0; i < count; ++i) {
    made.set.digests.push_back(name + std::to_string(i));
    made.ids.push_back({name + std::to_string(i), static_cast<std::int64_t>(i)});
    made.buckets.push_back({8});
    made.targets.push_back(8);
  }
  return std::make_shared<const Samples>(std::move(made));
}

Subject subject() {
  Subject made;
  made.model = std::make_shared<const model::Model>();
  made.layout = small();
  made.spec = spec(made.layout);
  made.spec.calibration.scale_samples = 2;
  made.spec.calibration.length = 8;
  made.spec.solve.objectives = {"time", "macs"};
  made.spec.solve.thresholds = {0.02, 0.05, 1};
  made.spec.evaluate.samples = 2;
  made.spec.latency.rule = {5, 6, 2, 0.02, 0.95, 60};
  made.timing_targets = timing_targets(made.layout, made.spec.latency);
  made.calibration = samples("calibration", 3);
  made.evaluation = samples("evaluation", 2);
  made.search = samples("search", 0);
  made.environment.torch_version = "2";
  made.device = &execute::devices().at("cpu");
  made.environment.device_name = "a processor";
  made.environment.threads = 1;
  made.model_digest = "model";
  made.host = "node1";
  return made;
}

batch::Experiment of(Subject about) {
  return experiment(std::make_shared<const Subject>(std::move(about)));
}

void World::finish(const batch::Unit& unit, Place place) {
  const auto& ops = subject.layout.partition.ops;
  if (unit.table == weight_maxima_table)
    add(unit, to_fields(std::vector<std::vector<double>>(ops.size(), {0.5, 2}), ops));
  else if (place == observing)
    add(unit, to_fields(unit.order, lower::Maxima(ops.size(), {1.0F, 0}), ops));
  else if (place == scoring)
    add(unit, to_fields(unit.order, scores(subject.layout).scores.at(unit.order), ops, 1));
  else if (place == anchoring)
    add(unit, to_fields(unit.order, made_up_anchors(unit.order)));
  else if (unit.placement == batch::Placement::alone)
    add(unit, round_fields(unit));
  else if (unit.table.starts_with("evaluations/"))
    add(unit, losses(unit));
  else
    add(unit, unit.work(context_).fields);
}

std::size_t World::finish(Place place) {
  std::size_t done = 0;
  for (bool any = true; any;) {
    any = false;
    for (const auto& unit : call(place).units) {
      if (results.is_over(unit.key)) continue;
      finish(unit, place);
      any = true;
      ++done;
    }
  }
  return done;
}

void World::finish_all() {
  for (const auto place : {observing, scoring, anchoring, timing_, planning_}) finish(place);
}

std::size_t World::num_missing(Place place) const {
  const auto units = call(place).units;
  return static_cast<std::size_t>(std::count_if(
      units.begin(), units.end(), [&](const auto& unit) { return !results.is_over(unit.key); }));
}

void World::fail(const batch::Unit& unit, Place place) {
  results.add(batch::failure(unit, experiment.stages[place].name, "it is broken"));
}

batch::Fields World::losses(const batch::Unit& unit) const {
  const auto assignment = named(unit, subject.layout);
  const auto num_low = std::count(assignment.begin(), assignment.end(), FormatId{1});
  const auto& set = unit.table == search_table ? subject.search : subject.evaluation;
  const auto chunk = static_cast<std::size_t>(subject.spec.evaluate.chunk);
  const std::vector<double> values(chunk == 0 ? set->ids.size() : chunk,
                                   1 + loss_of_an_op * static_cast<double>(num_low));
  return {
      texts("assignment_key", {assignment_key(assignment, subject.layout.formats)}, {}, "Key"),
      integers("assignment", to_indices(assignment), {{"op", assignment.size()}}, "1", "Formats"),
      reals("loss", values, {{"sample", values.size()}}, "nat", "Losses")};
}

batch::Fields World::round_fields(const batch::Unit& unit) const {
  std::size_t width = 2;
  for (const auto& target : subject.timing_targets)
    if (target.table == unit.table) width = target.configurations.size();
  std::vector<double> seconds;
  for (std::size_t block = 0; block < 2; ++block)
    for (std::size_t i = 0; i < width; ++i)
      seconds.push_back(1 - 0.1 * static_cast<double>(i) +
                        (noisy && i > 0 ? 0.2 * static_cast<double>(block) : 0));
  const archive::Axes axes{{"block", 2}, {"configuration", width}};
  batch::Fields fields{
      texts("host", {host}, {}, "Machine"), reals("seconds", seconds, axes, "s", "Times"),
      integers("order", std::vector<std::int64_t>(seconds.size()), axes, "1", "Order")};
  if (unit.table == "evaluations/times") {
    const auto key = assignment_key(named(unit, subject.layout), subject.layout.formats);
    fields.push_back(texts("assignment_key", {key}, {}, "Key"));
  }
  if (hot && unit.table != "evaluations/times") {
    const latency::AroundBlock block{
        {}, {1.4e9, 700, 90, {"gpu_idle", "sw_power_cap"}, {"sw_power_cap"}}};
    for (auto& field : card_fields({block, block})) fields.push_back(std::move(field));
  }
  return fields;
}

void World::add(const batch::Unit& unit, batch::Fields fields) {
  results.add(batch::record(unit, std::move(fields)));
}

}  // namespace gainsweep::pipeline::models
