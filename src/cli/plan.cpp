#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/command.hpp"
#include "cli/opening.hpp"
#include "cli/progress.hpp"
#include "pipeline/enumerate.hpp"
#include "pipeline/estimate.hpp"
#include "spec/read.hpp"

namespace gainsweep::cli {
namespace {

std::string bytes(std::int64_t count) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(count);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  std::ostringstream text;
  text << std::fixed << std::setprecision(unit == 0 ? 0 : 1) << value << " " << units[unit];
  return text.str();
}

// What is planned of one point.
struct PlannedPoint {
  std::string parameters;
  pipeline::Estimate estimate;  // without what earlier points do already
};

struct Planned {
  pipeline::Experiment experiment;  // the last point's
  std::vector<PlannedPoint> points;
  pipeline::Estimate total;
};

// Leaves out of a stage what `seen` has, which grows.
void leave_out_shared(const pipeline::Experiment& experiment, std::set<std::string>& seen,
                      pipeline::StageEstimate& stage) {
  const auto keys = pipeline::forecast(experiment, stage.stage);
  if (keys.empty()) return;
  std::size_t fresh = 0;
  for (const auto& key : keys) fresh += seen.insert(key).second;
  stage.units = fresh;
  stage.seconds *= static_cast<double>(fresh) / static_cast<double>(keys.size());
}

void add(pipeline::Estimate& total, const pipeline::Estimate& estimate) {
  if (total.stages.empty()) {
    total = estimate;
    return;
  }
  for (std::size_t s = 0; s < total.stages.size(); ++s) {
    total.stages[s].units += estimate.stages[s].units;
    total.stages[s].seconds += estimate.stages[s].seconds;
  }
  total.parameter_bytes = std::max(total.parameter_bytes, estimate.parameter_bytes);
  total.rank_bytes = std::max(total.rank_bytes, estimate.rank_bytes);
}

Planned plan_points(const std::filesystem::path& path) {
  Planned planned;
  std::set<std::string> seen;
  for (const auto& point : spec::load_points(path)) {
    planned.experiment = open(point, planned.experiment);
    // Keys serve here to tell equal units alone; checkpoints are not read for them.
    planned.experiment.model_digest = point.spec.model.checkpoint.string();
    auto estimate = pipeline::estimate(planned.experiment);
    for (auto& stage : estimate.stages) leave_out_shared(planned.experiment, seen, stage);
    add(planned.total, estimate);
    planned.points.push_back({spec::text_of(point.parameters), std::move(estimate)});
  }
  return planned;
}

double seconds(const pipeline::Estimate& estimate) {
  double total = 0;
  for (const auto& stage : estimate.stages) total += stage.seconds;
  return total;
}

void print_model(const pipeline::Experiment& experiment) {
  const auto& partition = experiment.layout.partition;
  std::cout << experiment.spec.name << ": " << partition.ops.size() << " ops in "
            << partition.subgraphs.size() << " sub-graphs of " << partition.classes.size()
            << " classes\n\n";
  for (const auto& target : experiment.timing_targets)
    std::cout << "  " << std::left << std::setw(44) << target.label << std::right << std::setw(4)
              << target.applies_to.size() << " like it, " << target.configurations.size()
              << " configurations timed\n";
}

void print_points(const std::vector<PlannedPoint>& points) {
  std::cout << "\n" << points.size() << " points; what they share is done and counted once\n";
  for (const auto& [parameters, estimate] : points)
    std::cout << "  " << std::left << std::setw(60) << parameters << " " << std::right
              << duration(seconds(estimate)) << "\n";
}

void print_total(const pipeline::Estimate& estimate) {
  std::cout << "\nstage     units  about, on one rank\n";
  for (const auto& stage : estimate.stages)
    std::cout << std::left << std::setw(9) << name(stage.stage) << std::right << std::setw(6)
              << stage.units << "  " << duration(stage.seconds) << "\n";
  std::cout << std::left << std::setw(17) << "total" << duration(seconds(estimate)) << "\n\n"
            << "memory: " << bytes(estimate.parameter_bytes)
            << " of checkpoint mapped and shared, about " << bytes(estimate.rank_bytes)
            << " in each rank besides\nspeed taken from one linear layer here: "
            << std::setprecision(3) << estimate.gflops_score << " GFLOP/s scoring, "
            << estimate.gflops_latency << " GFLOP/s timed\n";
}

nlohmann::json to_json(const std::vector<pipeline::StageEstimate>& stages) {
  auto json = nlohmann::json::array();
  for (const auto& stage : stages)
    json.push_back(
        {{"stage", name(stage.stage)}, {"units", stage.units}, {"seconds", stage.seconds}});
  return json;
}

nlohmann::json to_json(const Planned& planned) {
  const auto& partition = planned.experiment.layout.partition;
  nlohmann::json json{{"name", planned.experiment.spec.name},
                      {"ops", partition.ops.size()},
                      {"subgraphs", partition.subgraphs.size()},
                      {"classes", partition.classes.size()},
                      {"parameter_bytes", planned.total.parameter_bytes},
                      {"rank_bytes", planned.total.rank_bytes},
                      {"stages", to_json(planned.total.stages)}};
  for (const auto& target : planned.experiment.timing_targets)
    json["timed"].push_back({{"subgraph", target.label},
                             {"members", target.applies_to.size()},
                             {"configurations", target.configurations.size()}});
  for (const auto& [parameters, estimate] : planned.points)
    json["points"].push_back({{"parameters", parameters}, {"stages", to_json(estimate.stages)}});
  return json;
}

}  // namespace

int plan(const std::filesystem::path& spec, bool json) {
  const auto planned = plan_points(spec);
  if (json) {
    std::cout << to_json(planned).dump(2) << "\n";
    return 0;
  }
  print_model(planned.experiment);
  if (planned.points.size() > 1) print_points(planned.points);
  print_total(planned.total);
  return 0;
}

int check(const std::filesystem::path& spec) {
  pipeline::Experiment experiment;
  const auto points = spec::load_points(spec);
  for (const auto& point : points) experiment = open(point, experiment);
  const auto& partition = experiment.layout.partition;
  std::cout << spec.string() << ": right. ";
  if (points.size() > 1) std::cout << points.size() << " points; the last one: ";
  std::cout << partition.ops.size() << " ops, " << partition.subgraphs.size() << " sub-graphs, "
            << experiment.calibration.size() << " calibration and " << experiment.evaluation.size()
            << " evaluation samples; nothing was run.\n";
  return 0;
}

}  // namespace gainsweep::cli
