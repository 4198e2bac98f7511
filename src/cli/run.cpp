#include <optional>

#include "archive/parts.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/activity.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "cli/job.hpp"
#include "cli/model_digest.hpp"
#include "cli/opening.hpp"
#include "cli/provenance.hpp"
#include "cli/signals.hpp"
#include "config/read.hpp"
#include "digest/digest.hpp"
#include "disk/lock.hpp"
#include "parallel/agree.hpp"
#include "parallel/device.hpp"

namespace gainsweep::cli {
namespace {

using parallel::together;

// A rank may have been started with another program, spec or command line.
void agree_on_command(const parallel::Comm& comm, const RunOptions& options,
                      const std::string& spec_text) {
  const auto limit = options.unit_limit ? std::to_string(*options.unit_limit) : "none";
  parallel::agree(
      comm,
      {{"program version", std::string(program_version) + " (" + program_commit + ")",
        ErrorKind::environment},
       {"spec", spec_text, ErrorKind::config},
       {"--out", options.folder.string(), ErrorKind::config},
       {"--retry-failed", options.retry_failed ? "given" : "not given", ErrorKind::config},
       {"--unit-limit", limit, ErrorKind::config},
       {"--from", options.donor ? digest::of_file(*options.donor) : "none", ErrorKind::input}});
}

// The ranks of a node share its processor; any other device is one rank's alone.
std::size_t own_device(const parallel::Comm& comm, config::Device device) {
  if (device == config::Device::cpu) return 0;
  std::vector<std::string> visible;
  together(comm, [&] { visible = execute::visible_devices(device); });
  return parallel::own_device(comm, config::spelling(device), visible);
}

// Unit keys follow from these: ranks that differ would wait for units that nobody makes.
void agree_on_experiment(const parallel::Comm& comm, const pipeline::Experiment& experiment) {
  const auto& environment = experiment.environment;
  const auto kind = ErrorKind::environment;
  parallel::agree(comm, {{"model digest", experiment.model_digest, ErrorKind::input},
                         {"LibTorch", environment.torch_version, kind},
                         {"device", environment.device_name, kind},
                         {"instruction set", environment.instruction_set, kind},
                         {"number of threads", std::to_string(environment.threads), kind}});
}

// Takes the folder: one run at a time.
disk::FolderLock lock_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored) && !std::filesystem::is_directory(folder, ignored))
    throw Error(ErrorKind::config,
                folder.string() + " is a file, but --out needs a folder. Give another --out.");
  disk::FolderLock lock(folder);
  archive::remove_leftovers(folder);
  forget_activities(folder);
  return lock;
}

// Parts cross ranks through the folder, so all have to see the one that the root locked.
void agree_on_folder(const parallel::Comm& comm, const std::filesystem::path& folder) {
  std::string holder;
  together(comm, [&] { holder = disk::lock_holder(folder); });
  parallel::agree(comm, {{"output folder (its lock's holder)", holder, ErrorKind::environment}});
}

// Collective. A point's experiment on this rank's own device.
pipeline::Experiment open_together(const parallel::Comm& comm, const config::Point& point,
                                   const pipeline::Experiment& other) {
  const auto device = own_device(comm, point.spec.latency.device);
  pipeline::Experiment experiment;
  together(comm, [&] { experiment = open(point, other, device); });
  if (experiment.model_digest.empty())
    experiment.model_digest =
        digest_model(comm, *experiment.model, static_cast<int>(point.spec.threads));
  return experiment;
}

Outcome run_points(const parallel::Comm& comm, const std::vector<config::Point>& points,
                   pipeline::Experiment& experiment, Job& job, const std::string& started,
                   const std::string& spec_text) {
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i > 0) experiment = open_together(comm, points[i], experiment);
    if (job.run_point(points[i], experiment)) return Outcome::stopped;
  }
  return job.finish(describe(experiment, spec_text, started, comm.size()));
}

Outcome run_job(const parallel::Comm& comm, const RunOptions& options) {
  const auto started = utc_now();
  std::string text;
  pipeline::Results donor;
  together(comm, [&] {
    text = config::load_text(options.spec);
    if (options.donor) donor = read_donor(*options.donor);
  });
  agree_on_command(comm, options, text);
  std::vector<config::Point> points;
  together(comm, [&] { points = config::read_points(text, options.spec.string()); });
  // Whatever is wrong with any point's inputs is found before the first one runs. In this order
  // the first is the one that stays open.
  pipeline::Experiment experiment;
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    experiment = open_together(comm, *point, experiment);
    agree_on_experiment(comm, experiment);
  }
  std::optional<disk::FolderLock> lock;
  together(comm, [&] {
    if (comm.is_root()) lock.emplace(lock_folder(options.folder));
  });
  agree_on_folder(comm, options.folder);
  Ledger ledger{experiment.spec.name, started};
  ledger.points = points.size();
  std::optional<Job> job;
  together(comm, [&] { job.emplace(comm, options, std::move(donor), ledger); });
  return run_points(comm, points, experiment, *job, started, text);
}

int exit_code_of(Outcome outcome) {
  if (outcome == Outcome::stopped) return stopped_exit_code;
  return outcome == Outcome::failed ? 3 : 0;
}

void tell(Outcome outcome, const std::filesystem::path& folder) {
  if (outcome == Outcome::stopped)
    log_line("gainsweep: stopped by SIGUSR1; the same command goes on");
  if (outcome == Outcome::failed)
    log_line("gainsweep: some units failed; 'gainsweep status " + folder.string() + "' names them");
}

}  // namespace

int run(const parallel::Comm& comm, const RunOptions& options) {
  int code = 0;
  try {
    const auto outcome = run_job(comm, options);
    if (comm.is_root()) tell(outcome, options.folder);
    code = exit_code_of(outcome);
  } catch (const parallel::SharedError& error) {
    if (comm.is_root()) log_line(std::string("gainsweep: ") + error.what());
    code = exit_code(error.kind());
  }
  // Nobody returns non-zero before all have written what they had to: mpirun kills the rest.
  comm.barrier();
  return code;
}

}  // namespace gainsweep::cli
