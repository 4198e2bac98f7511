#include "cli/run_notes.hpp"

#include <algorithm>
#include <set>

#include "base/log.hpp"
#include "base/text.hpp"
#include "job/progress.hpp"

namespace gainsweep::cli {
namespace {

std::string counted(std::size_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

// Different models of the points, in their order.
std::vector<std::string> models_of(const std::vector<spec::Point>& points) {
  std::vector<std::string> paths;
  for (const auto& point : points) {
    const auto path = file_of(point.spec.model).string();
    if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.push_back(path);
  }
  return paths;
}

}  // namespace

void tell_start(const spec::Source& source, const std::vector<spec::Point>& points,
                const std::filesystem::path& folder, int num_ranks) {
  const auto& spec = points.front().spec;
  const auto models = models_of(points);
  log_line("gainsweep: run " + spec.name + " of " + source.name +
           (points.size() > 1 ? ", " + counted(points.size(), "point") : "") + ": model " +
           models.front() +
           (models.size() > 1 ? " and " + std::to_string(models.size() - 1) + " more" : "") +
           ", results in " + folder.string() + ", " +
           counted(static_cast<std::size_t>(num_ranks), "rank") + " of " +
           counted(static_cast<std::size_t>(spec.threads), "thread") + " on " + spec.device);
  for (const auto& setting : source.settings) log_line("gainsweep: set " + one_line(setting));
}

void tell_work(const std::vector<batch::Experiment>& experiments, const batch::Results& stored) {
  if (!logs(LogLevel::info)) return;
  std::set<std::string> seen;
  std::vector<std::string> stages;
  for (std::size_t s = 0; s < experiments.front().stages.size(); ++s) {
    std::size_t units = 0, may_come = 0;
    for (const auto& experiment : experiments) {
      const auto call = experiment.stages[s].call({});
      for (const auto& unit : call.units) units += seen.insert(unit.key).second ? 1 : 0;
      may_come += call.may_come;
    }
    if (units + may_come == 0) continue;
    stages.push_back(experiments.front().stages[s].name + " " + std::to_string(units) +
                     (may_come > 0 ? " and at most " + std::to_string(may_come) + " more" : ""));
  }
  log_line("gainsweep: units: " + join(stages) + "; " + std::to_string(stored.size()) +
           " stored by earlier runs");
}

void tell_end(job::Outcome outcome, const std::filesystem::path& folder,
              std::chrono::steady_clock::time_point start) {
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (outcome == job::Outcome::stopped) {
    log_line("gainsweep: stopped by SIGUSR1; the same command goes on", LogLevel::warning);
    return;
  }
  const auto archive = (folder / "archive.h5").string();
  if (outcome == job::Outcome::failed)
    log_line("gainsweep: some units failed or were left out; 'gainsweep status " + folder.string() +
                 "' names them",
             LogLevel::warning);
  log_line("gainsweep: " + std::string(outcome == job::Outcome::failed ? "over" : "done") + " in " +
           job::duration(took.count()) + ": " + archive);
  log_line("gainsweep: next: python -m gainsweep_analysis table " + archive + " (or report " +
           archive + " --out " + (folder / "report.html").string() + ")");
}

}  // namespace gainsweep::cli
