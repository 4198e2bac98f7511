#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command.hpp"
#include "cli/progress.hpp"
#include "config/read.hpp"
#include "pipeline/estimate.hpp"

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

void print(const pipeline::Experiment& experiment, const pipeline::Estimate& estimate) {
  const auto& partition = experiment.layout.partition;
  std::cout << experiment.spec.name << ": " << partition.ops.size() << " ops in "
            << partition.subgraphs.size() << " sub-graphs of " << partition.classes.size()
            << " classes\n\n";
  for (const auto& target : experiment.timing_targets)
    std::cout << "  " << std::left << std::setw(44) << target.label << std::right << std::setw(4)
              << target.applies_to.size() << " like it, " << target.configurations.size()
              << " configurations timed\n";
  std::cout << "\nstage     units  about, on one rank\n";
  double total = 0;
  for (const auto& stage : estimate.stages) {
    std::cout << std::left << std::setw(9) << name(stage.stage) << std::right << std::setw(6)
              << stage.units << "  " << duration(stage.seconds) << "\n";
    total += stage.seconds;
  }
  std::cout << std::left << std::setw(17) << "total" << duration(total) << "\n\n"
            << "memory: " << bytes(estimate.parameter_bytes)
            << " of checkpoint mapped and shared, about " << bytes(estimate.rank_bytes)
            << " in each rank besides\nspeed taken from one linear layer here: "
            << std::setprecision(3) << estimate.gflops_score << " GFLOP/s scoring, "
            << estimate.gflops_latency << " GFLOP/s timed\n";
}

nlohmann::json to_json(const pipeline::Experiment& experiment, const pipeline::Estimate& estimate) {
  const auto& partition = experiment.layout.partition;
  nlohmann::json json{{"name", experiment.spec.name},
                      {"ops", partition.ops.size()},
                      {"subgraphs", partition.subgraphs.size()},
                      {"classes", partition.classes.size()},
                      {"parameter_bytes", estimate.parameter_bytes},
                      {"rank_bytes", estimate.rank_bytes}};
  for (const auto& stage : estimate.stages)
    json["stages"].push_back(
        {{"stage", name(stage.stage)}, {"units", stage.units}, {"seconds", stage.seconds}});
  for (const auto& target : experiment.timing_targets)
    json["timed"].push_back({{"subgraph", target.label},
                             {"members", target.applies_to.size()},
                             {"configurations", target.configurations.size()}});
  return json;
}

pipeline::Experiment open(const std::filesystem::path& path) {
  const auto spec = config::load(path);
  execute::start(spec.latency.device, spec.threads);
  return pipeline::open(spec);
}

}  // namespace

int plan(const std::filesystem::path& spec, bool json) {
  const auto experiment = open(spec);
  const auto estimate = pipeline::estimate(experiment);
  if (json)
    std::cout << to_json(experiment, estimate).dump(2) << "\n";
  else
    print(experiment, estimate);
  return 0;
}

int check(const std::filesystem::path& spec) {
  const auto experiment = open(spec);
  const auto& partition = experiment.layout.partition;
  std::cout << spec.string() << ": right. " << partition.ops.size() << " ops, "
            << partition.subgraphs.size() << " sub-graphs, " << experiment.calibration.size()
            << " calibration and " << experiment.evaluation.size()
            << " evaluation samples; nothing was run.\n";
  return 0;
}

}  // namespace gainsweep::cli
