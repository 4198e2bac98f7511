#include <algorithm>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>

#include "archive/archive.hpp"
#include "archive/parts.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/command.hpp"
#include "cli/ledger.hpp"
#include "cli/progress.hpp"
#include "cli/provenance.hpp"
#include "config/read.hpp"
#include "pipeline/assemble.hpp"
#include "pipeline/workbench.hpp"

namespace gainsweep::cli {
namespace {

using pipeline::Results;
using pipeline::Unit;

/// An error that every rank knows of: all leave together.
class Agreed : public std::exception {
 public:
  explicit Agreed(Error error) : error_(std::move(error)) {}
  const Error& error() const { return error_; }

 private:
  Error error_;
};

// Runs `act` on every rank; when it fails anywhere all ranks throw the same Agreed.
template <class Act>
void together(const parallel::Comm& comm, Act act) {
  std::optional<Error> error;
  try {
    act();
  } catch (const Error& caught) {
    error = caught;
  } catch (const std::exception& caught) {
    error = Error(ErrorKind::internal, caught.what());
  }
  const auto verdict = error ? std::to_string(static_cast<int>(error->kind())) + error->what() : "";
  const auto verdicts = comm.gather(verdict);
  for (std::size_t rank = 0; rank < verdicts.size(); ++rank) {
    if (verdicts[rank].empty()) continue;
    const auto kind = static_cast<ErrorKind>(verdicts[rank][0] - '0');
    const auto where = verdicts.size() > 1 ? "rank " + std::to_string(rank) + ": " : "";
    throw Agreed(Error(kind, where + verdicts[rank].substr(1)));
  }
}

// Unit keys follow from these, so ranks that differ in one would wait for each other's units.
void refuse_unequal_ranks(const parallel::Comm& comm, const pipeline::Experiment& experiment) {
  const auto& environment = experiment.environment;
  const auto mine = "LibTorch " + environment.torch_version + ", " + environment.device_name +
                    ", " + environment.instruction_set + ", " +
                    std::to_string(environment.threads) + " threads, model " +
                    experiment.model_digest.substr(0, 12);
  const auto all = comm.gather(mine);
  for (std::size_t rank = 1; rank < all.size(); ++rank)
    if (all[rank] != all[0])
      throw Agreed(Error(ErrorKind::environment,
                         "rank " + std::to_string(rank) + " has " + all[rank] + ", but rank 0 " +
                             all[0] +
                             " (results would depend on who computes them). Use equal nodes, "
                             "libraries and inputs."));
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) throw Error(ErrorKind::config, path.string() + ": cannot be read. Check the path.");
  return text.str();
}

std::set<std::string> lines_of(const std::vector<std::string>& texts) {
  std::set<std::string> lines;
  for (const auto& text : texts) {
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.insert(line);
  }
  return lines;
}

/// One process's part in a run.
class Run {
 public:
  Run(const parallel::Comm& comm, const RunOptions& options, const pipeline::Experiment& experiment,
      std::string started)
      : comm_(comm),
        options_(options),
        experiment_(experiment),
        workbench_(experiment),
        parts_(options.folder),
        ledger_{experiment.spec.name, std::move(started), "", {}} {
    load({});
  }

  // Collective.
  void run_stage(pipeline::Stage stage) {
    const auto obstacle = pipeline::obstacle(experiment_, results_, stage);
    if (!obstacle.empty() && comm_.is_root())
      log_line(std::string("gainsweep: ") + name(stage) + " is left out: " + obstacle);
    auto units = call_for(stage);
    auto missing = missing_of(units);
    Progress progress(name(stage), units.size(), units.size() - count_missing(units),
                      !comm_.is_root());
    while (!missing.empty()) {
      for (std::size_t i = 0; i < missing.size(); ++i)
        if (is_mine(missing[i], i)) progress.step(run_unit(missing[i]));
      exchange();
      units = call_for(stage);
      missing = missing_of(units);
      progress.reach(units.size(), units.size() - count_missing(units));
    }
  }

  // Collective. Writes the archive; true when some of its units failed.
  bool finish(const std::string& spec_text) {
    bool failed = false;
    together(comm_, [&] {
      if (!comm_.is_root()) return;
      auto contents = describe(experiment_, spec_text, ledger_.started, comm_.size());
      contents.tables = pipeline::assemble(experiment_, results_);
      for (const auto& table : contents.tables) failed = failed || table.path == "failures";
      archive::write(options_.folder / "archive.h5", contents);
      ledger_.finished = utc_now();
      write(options_.folder, ledger_);
    });
    return !comm_.all_of(!failed);
  }

 private:
  // Collective. Units of a stage by what is known now, noted in the ledger.
  std::vector<Unit> call_for(pipeline::Stage stage) {
    std::vector<Unit> units;
    together(comm_, [&] {
      units = pipeline::enumerate(experiment_, results_, stage);
      note(stage, units);
    });
    return units;
  }

  std::size_t count_missing(const std::vector<Unit>& units) const {
    return static_cast<std::size_t>(std::count_if(
        units.begin(), units.end(), [&](const auto& unit) { return !results_.count(unit.key); }));
  }

  // What to do next: units that may run side by side first, exclusive ones when nothing else runs.
  std::vector<Unit> missing_of(const std::vector<Unit>& units) const {
    for (const bool exclusive : {false, true}) {
      std::vector<Unit> missing;
      for (const auto& unit : units)
        if (unit.exclusive == exclusive && !results_.count(unit.key)) missing.push_back(unit);
      if (!missing.empty()) return missing;
    }
    return {};
  }

  // Exclusive units run on the root while the others wait idle.
  bool is_mine(const Unit& unit, std::size_t place) const {
    if (unit.exclusive) return comm_.is_root();
    return static_cast<int>(place % static_cast<std::size_t>(comm_.size())) == comm_.rank();
  }

  // Runs and stores one unit; true when it failed.
  bool run_unit(const Unit& unit) {
    archive::Record record;
    bool failed = false;
    try {
      record = workbench_.run(unit, results_);
    } catch (const std::exception& error) {
      failed = true;
      record = pipeline::failure(unit, error.what());
      failed_ += unit.key + "\n";
      log_line(std::string("gainsweep: ") + error.what());
    }
    parts_.add(record);
    results_.insert_or_assign(unit.key, std::move(record));
    return failed;
  }

  // Collective. Stores what is buffered and takes over what other ranks stored.
  void exchange() {
    together(comm_, [&] { parts_.flush(); });
    if (comm_.size() == 1) return;
    const auto failed = lines_of(comm_.gather(failed_));
    together(comm_, [&] { load(failed); });
  }

  // Takes over what the parts hold. Failures count unless they are to be tried again and have not
  // failed again in this run; a success counts more than a failure from before it.
  void load(const std::set<std::string>& failed_again) {
    auto stored = archive::read_parts(options_.folder);
    for (const auto& damaged : stored.damaged)
      if (comm_.is_root())
        log_line("gainsweep: " + damaged.string() + " is damaged; its units are done again");
    for (auto& record : stored.records) {
      if (record.table != "failures")
        results_.insert_or_assign(record.key, std::move(record));
      else if (!options_.retry_failed || failed_again.count(record.key))
        results_.try_emplace(record.key, std::move(record));
    }
  }

  void note(pipeline::Stage stage, const std::vector<Unit>& units) {
    std::vector<std::string> keys;
    for (const auto& unit : units) keys.push_back(unit.key);
    auto& noted = ledger_.units[name(stage)];
    if (!comm_.is_root() || noted == keys) return;
    noted = std::move(keys);
    write(options_.folder, ledger_);
  }

  const parallel::Comm& comm_;
  const RunOptions& options_;
  const pipeline::Experiment& experiment_;
  pipeline::Workbench workbench_;
  archive::PartWriter parts_;
  Results results_;
  Ledger ledger_;
  std::string failed_;  ///< keys of units that failed here in this run, one a line
};

// Takes the folder: one run at a time.
archive::FolderLock lock_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored) && !std::filesystem::is_directory(folder, ignored))
    throw Error(ErrorKind::config,
                folder.string() + " is a file, but --out needs a folder. Give another --out.");
  archive::FolderLock lock(folder);
  archive::remove_leftovers(folder);
  return lock;
}

bool run_stages(const parallel::Comm& comm, const RunOptions& options) {
  const auto started = utc_now();
  std::string text;
  together(comm, [&] {
    if (comm.is_root()) text = read_text(options.spec);
  });
  text = comm.broadcast(text);
  config::Spec spec;
  std::optional<pipeline::Experiment> experiment;
  together(comm, [&] { spec = config::read(text, options.spec.string()); });
  together(comm, [&] {
    execute::start(spec.latency.device, spec.threads);
    experiment.emplace(pipeline::open(spec));
  });
  refuse_unequal_ranks(comm, *experiment);
  std::optional<archive::FolderLock> lock;
  together(comm, [&] {
    if (comm.is_root()) lock.emplace(lock_folder(options.folder));
  });
  std::optional<Run> process;
  together(comm, [&] { process.emplace(comm, options, *experiment, started); });
  for (const auto stage : pipeline::stages()) process->run_stage(stage);
  return process->finish(text);
}

}  // namespace

int run(const parallel::Comm& comm, const RunOptions& options) {
  try {
    const bool failed = run_stages(comm, options);
    if (failed && comm.is_root())
      log_line("gainsweep: some units failed; 'gainsweep status " + options.folder.string() +
               "' names them");
    return failed ? 3 : 0;
  } catch (const Agreed& agreed) {
    if (comm.is_root()) log_line(std::string("gainsweep: ") + agreed.error().what());
    // Nobody returns non-zero before all have written what they had to.
    comm.barrier();
    return exit_code(agreed.error().kind());
  }
}

}  // namespace gainsweep::cli
