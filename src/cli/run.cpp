#include <fstream>
#include <iostream>
#include <optional>
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

// Runs `act` on every rank; when it fails anywhere all ranks leave together with one message.
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
    throw Error(kind, where + verdicts[rank].substr(1));
  }
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream)
    throw Error(ErrorKind::config, path.string() + ": cannot be read. Check the path.");
  return text.str();
}

Results load(const std::filesystem::path& folder, bool retry_failed) {
  Results results;
  auto stored = archive::read_parts(folder);
  for (const auto& damaged : stored.damaged)
    log_line("gainsweep: " + damaged.string() + " is damaged; its units are done again");
  for (auto& record : stored.records)
    if (!(retry_failed && record.table == "failures"))
      results.insert_or_assign(record.key, std::move(record));
  return results;
}

/// One process's part in a run.
class Run {
 public:
  Run(const parallel::Comm& comm, const RunOptions& options,
      const pipeline::Experiment& experiment, std::string started)
      : comm_(comm),
        options_(options),
        experiment_(experiment),
        workbench_(experiment),
        parts_(options.folder),
        results_(load(options.folder, options.retry_failed)),
        ledger_{experiment.spec.name, std::move(started), "", {}} {}

  void run_stage(pipeline::Stage stage) {
    auto units = pipeline::enumerate(experiment_, results_, stage);
    auto missing = missing_of(units);
    note(stage, units.size());
    Progress progress(name(stage), units.size(), units.size() - missing.size(), !comm_.is_root());
    while (!missing.empty()) {
      for (std::size_t i = 0; i < missing.size(); ++i)
        if (is_mine(missing[i], i)) progress.step(run_unit(missing[i]));
      exchange();
      const auto before = units.size();
      units = pipeline::enumerate(experiment_, results_, stage);
      missing = missing_of(units);
      progress.add(units.size() - before);
      note(stage, units.size());
    }
  }

  // Collective. Writes the archive; true when some of its units failed.
  bool finish(const std::string& spec_text) {
    bool failed = false;
    if (comm_.is_root()) {
      auto contents = describe(experiment_, spec_text, ledger_.started, comm_.size());
      contents.tables = pipeline::assemble(experiment_, results_);
      for (const auto& table : contents.tables) failed = failed || table.path == "failures";
      archive::write(options_.folder / "archive.h5", contents);
      ledger_.finished = utc_now();
      write(options_.folder, ledger_);
    }
    return !comm_.all_of(!failed);
  }

 private:
  std::vector<Unit> missing_of(const std::vector<Unit>& units) const {
    std::vector<Unit> missing;
    for (const auto& unit : units)
      if (!results_.count(unit.key)) missing.push_back(unit);
    return missing;
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
      log_line(std::string("gainsweep: ") + error.what());
    }
    parts_.add(record);
    results_.insert_or_assign(unit.key, std::move(record));
    return failed;
  }

  // Collective. Stores what is buffered and takes over what other ranks stored.
  void exchange() {
    parts_.flush();
    comm_.barrier();
    if (comm_.size() > 1) {
      results_ = load(options_.folder, options_.retry_failed);
      comm_.barrier();
    }
  }

  void note(pipeline::Stage stage, std::size_t units) {
    if (!comm_.is_root() || ledger_.units[name(stage)] == units) return;
    ledger_.units[name(stage)] = units;
    write(options_.folder, ledger_);
  }

  const parallel::Comm& comm_;
  const RunOptions& options_;
  const pipeline::Experiment& experiment_;
  pipeline::Workbench workbench_;
  archive::PartWriter parts_;
  Results results_;
  Ledger ledger_;
};

}  // namespace

int run(const parallel::Comm& comm, const RunOptions& options) {
  const auto started = utc_now();
  try {
    std::string text;
    together(comm, [&] {
      if (comm.is_root()) text = read_text(options.spec);
    });
    text = comm.broadcast(text);
    config::Spec spec;
    std::optional<pipeline::Experiment> experiment;
    together(comm, [&] { spec = config::read(text, options.spec.string()); });
    std::optional<archive::FolderLock> lock;
    together(comm, [&] {
      execute::start(spec.latency.device, spec.threads);
      experiment.emplace(pipeline::open(spec));
    });
    together(comm, [&] {
      if (!comm.is_root()) return;
      std::filesystem::create_directories(options.folder);
      lock.emplace(options.folder);
      archive::remove_leftovers(options.folder);
    });
    std::optional<Run> process;
    together(comm, [&] { process.emplace(comm, options, *experiment, started); });
    for (const auto stage : pipeline::stages()) process->run_stage(stage);
    const bool failed = process->finish(text);
    if (failed && comm.is_root())
      log_line("gainsweep: some units failed; 'gainsweep status " + options.folder.string() +
               "' names them");
    return failed ? 3 : 0;
  } catch (const Error& error) {
    // Errors before the first unit are the same on every rank; each leaves by itself.
    if (exit_code(error.kind()) != 2) throw;
    if (comm.is_root()) log_line(std::string("gainsweep: ") + error.what());
    comm.barrier();
    return 2;
  }
}

}  // namespace gainsweep::cli
