#include <chrono>
#include <functional>
#include <optional>

#include "archive/parts.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "cli/earlier_archive.hpp"
#include "cli/opening.hpp"
#include "cli/provenance.hpp"
#include "cli/run_notes.hpp"
#include "digest/digest.hpp"
#include "disk/lock.hpp"
#include "job/activity.hpp"
#include "job/job.hpp"
#include "job/signals.hpp"
#include "parallel/agree.hpp"
#include "spec/read.hpp"

namespace gainsweep::cli {
namespace {

using job::Outcome;
using parallel::together;

// Collective. The units of another archive on the root, which stores what is taken over; none
// without one.
batch::Results read_donor(const parallel::Comm& comm, const RunOptions& options) {
  batch::Results donor;
  together(comm, [&] {
    if (options.donor && comm.is_root()) donor = job::read_donor(*options.donor);
  });
  return donor;
}

// Collective. Every rank reads a spec's file; what only the root can read, or any rank, crosses.
spec::Source load(const parallel::Comm& comm, const SpecChoice& choice) {
  spec::Source source;
  const bool crosses = comm.any_of(spec::is_stream(choice.path));
  together(comm, [&] {
    if (!crosses || comm.is_root()) source = spec::load(choice.path, choice.settings);
  });
  if (!crosses) return source;
  source.text = comm.broadcast(source.text);
  source.name = comm.broadcast(source.name);
  source.folder = comm.broadcast(source.folder.string());
  source.settings = choice.settings;
  return source;
}

// A rank may have been started with another program, spec or command line.
void agree_on_command(const parallel::Comm& comm, const RunOptions& options,
                      const std::string& spec_text) {
  const auto limit = options.job.unit_limit ? std::to_string(*options.job.unit_limit) : "none";
  parallel::agree(
      comm,
      {{"program version", std::string(program_version) + " (" + program_commit + ")",
        ErrorKind::environment},
       {"spec", spec_text, ErrorKind::config},
       {"--out", options.job.folder.string(), ErrorKind::config},
       {"--retry-failed", options.job.retry_failed ? "given" : "not given", ErrorKind::config},
       {"--unit-limit", limit, ErrorKind::config},
       {"--replace", options.replaces ? "given" : "not given", ErrorKind::config},
       {"--from", options.donor ? options.donor->string() : "none", ErrorKind::config}});
}

// Takes the folder: one run at a time.
disk::FolderLock lock_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored) && !std::filesystem::is_directory(folder, ignored))
    throw Error(ErrorKind::config,
                folder.string() + " is a file, but --out needs a folder. Give another --out.");
  disk::FolderLock lock(folder);
  archive::remove_leftovers(folder);
  job::forget_activities(folder);
  return lock;
}

// Parts cross ranks through the folder, so all have to see the one that the root locked.
void agree_on_folder(const parallel::Comm& comm, const std::filesystem::path& folder) {
  std::string holder;
  together(comm, [&] { holder = disk::lock_holder(folder); });
  parallel::agree(comm, {{"output folder (its lock's holder)", holder, ErrorKind::environment}});
}

// Digest of everything that the archive of a run follows from.
std::string asked(const std::vector<batch::Experiment>& experiments, const std::string& spec_text) {
  digest::Builder builder;
  builder.add("version", program_version).add("commit", program_commit).add("spec", spec_text);
  for (const auto& experiment : experiments) {
    for (const auto& claim : experiment.claims) builder.add(claim.what, claim.value);
    for (const auto& [name, value] : experiment.provenance) builder.add(name, value);
  }
  return builder.finish();
}

// Collective. Whether an earlier run left nothing to do.
bool is_done(const parallel::Comm& comm, const std::filesystem::path& folder,
             const job::Ledger& ledger) {
  bool done = false;
  together(comm, [&] { done = comm.is_root() && job::is_done(folder, ledger.asked); });
  if (done)
    log_line("gainsweep: nothing to do: " + (folder / "archive.h5").string() +
             " is what this command makes");
  return comm.any_of(done);
}

struct Run {
  std::vector<spec::Point> points;
  std::vector<batch::Experiment> experiments;  // of the points
  archive::Contents contents;                  // of the archive, but for its tables
};

// What the root does before the run's archive takes the place of an earlier one.
std::function<void()> keeping(const RunOptions& options, const std::vector<spec::Point>& points) {
  if (options.replaces) return {};
  std::vector<std::string> resolved;
  for (const auto& point : points) resolved.push_back(spec::resolved(point.spec));
  return [folder = options.job.folder, resolved = std::move(resolved)] {
    const auto kept = keep_earlier_archive(folder, resolved);
    if (!kept.empty())
      log_line("gainsweep: the archive that was here is of another spec and is kept as " +
               kept.string() + " (--replace keeps none)");
  };
}

Outcome run_points(const Opening& opening, Run run, job::Job& job,
                   const std::function<void()>& before_replacing) {
  for (std::size_t i = 0; i < run.points.size(); ++i) {
    opening.start(run.points[i]);
    if (job.run_point(run.experiments[i])) return Outcome::stopped;
    run.experiments[i] = {};  // with what it made of results
  }
  run.contents.machine["finished"] = job::utc_now();
  const auto outcome = job.finish(std::move(run.contents), before_replacing);
  for (const auto& remark : job.remarks()) log_line("gainsweep: " + remark);
  return outcome;
}

Outcome run_job(const parallel::Comm& comm, const RunOptions& options) {
  const auto& folder = options.job.folder;
  job::Ledger ledger;
  ledger.started = job::utc_now();
  std::optional<job::EndWithoutUnits> until_job(std::in_place);
  const auto source = load(comm, options.spec);
  const auto text = spec::written(source);
  agree_on_command(comm, options, text);
  auto donor = read_donor(comm, options);
  Run run;
  together(comm, [&] { run.points = spec::read_points(source); });
  if (comm.is_root()) tell_start(source, run.points, folder, comm.size());
  Opening opening(comm);
  run.experiments = opening.open(run.points);
  std::optional<disk::FolderLock> lock;
  together(comm, [&] {
    if (comm.is_root()) lock.emplace(lock_folder(folder));
  });
  agree_on_folder(comm, folder);
  ledger.name = run.points.front().spec.name;
  ledger.points = run.points.size();
  ledger.asked = asked(run.experiments, text);
  if (is_done(comm, folder, ledger)) return Outcome::done;
  run.contents = describe(ledger, text, run.experiments.back().machine, comm.size());
  std::optional<job::Job> job;
  until_job.reset();
  together(comm, [&] { job.emplace(comm, options.job, std::move(donor), ledger); });
  if (comm.is_root()) tell_work(run.experiments, job->results());
  const auto before_replacing = keeping(options, run.points);
  return run_points(opening, std::move(run), *job, before_replacing);
}

int exit_code_of(Outcome outcome) {
  if (outcome == Outcome::stopped) return job::stopped_exit_code;
  return outcome == Outcome::failed ? 3 : 0;
}

}  // namespace

int run(const parallel::Comm& comm, const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  int code = 0;
  try {
    const auto outcome = run_job(comm, options);
    if (comm.is_root()) tell_end(outcome, options.job.folder, start);
    code = exit_code_of(outcome);
  } catch (const parallel::SharedError& error) {
    if (comm.is_root()) log_line(std::string("gainsweep: ") + error.what(), LogLevel::error);
    code = exit_code(error.kind());
  }
  // Nobody returns non-zero before all have written what they had to: mpirun kills the rest.
  comm.barrier();
  return code;
}

}  // namespace gainsweep::cli
