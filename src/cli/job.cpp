#include "cli/job.hpp"

#include <algorithm>
#include <set>

#include "archive/archive.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "cli/progress.hpp"
#include "cli/provenance.hpp"
#include "cli/signals.hpp"
#include "config/read.hpp"
#include "parallel/agree.hpp"
#include "parallel/sharing.hpp"
#include "pipeline/assemble.hpp"

namespace gainsweep::cli {
namespace {

using pipeline::Results;
using pipeline::Unit;

std::size_t count_over(const std::vector<Unit>& units, const Results& results) {
  return static_cast<std::size_t>(std::count_if(
      units.begin(), units.end(), [&](const auto& unit) { return results.count(unit.key) > 0; }));
}

std::size_t count_failed(const std::vector<Unit>& units, const Results& results) {
  return static_cast<std::size_t>(std::count_if(units.begin(), units.end(), [&](const auto& unit) {
    return results.count(unit.key) > 0 && !succeeded(results, unit);
  }));
}

}  // namespace

Job::Job(const parallel::Comm& comm, const RunOptions& options, Results donor, Ledger ledger)
    : comm_(comm),
      options_(options),
      donor_(std::move(donor)),
      ledger_(std::move(ledger)),
      store_(comm, options.folder, options.retry_failed),
      watch_(comm.rank(), options.folder, store_, options.unit_limit) {}

bool Job::run_point(const config::Point& point, const pipeline::Experiment& experiment) {
  experiment_ = &experiment;
  workbench_.emplace(experiment);
  note_point(point);
  for (const auto stage : pipeline::stages())
    if (run_stage(stage)) return true;
  gather(point);
  workbench_.reset();
  ++ledger_.point;
  return false;
}

// True when somebody was asked to stop.
bool Job::run_stage(pipeline::Stage stage) {
  const auto obstacle = pipeline::obstacle(*experiment_, store_.results(), stage);
  if (!obstacle.empty() && comm_.is_root())
    log_line("gainsweep: " + title(stage) + " is left out: " + obstacle);
  auto units = call_for(stage);
  const auto over_before = count_over(units, store_.results());
  note_start(stage);
  Progress progress(title(stage), units.size(), over_before, !comm_.is_root());
  for (auto next = next_of(units); !next.empty(); next = next_of(units)) {
    const auto over = count_over(units, store_.results());
    const bool stopped =
        share(next, [&](std::size_t more) { progress.reach(units.size(), over + more); });
    units = call_for(stage);
    progress.fail(count_failed(units, store_.results()));
    progress.reach(units.size(), count_over(units, store_.results()));
    if (stopped) return true;
  }
  return false;
}

// Collective. Units of a stage by what is known now, noted in the ledger.
Job::Units Job::call_for(pipeline::Stage stage) {
  Units units;
  parallel::together(comm_, [&] {
    do {
      units = pipeline::enumerate(*experiment_, store_.results(), stage);
    } while (adopt(units));
    note(stage, units);
  });
  return units;
}

// Takes over the donor's records of units that are missing; true when there were some. The root
// stores them.
bool Job::adopt(const Units& units) {
  bool any = false;
  for (const auto& unit : units) {
    const auto found = donor_.find(unit.key);
    if (found == donor_.end() || store_.results().count(unit.key)) continue;
    auto record = found->second;
    record.order = unit.order;
    if (comm_.is_root())
      store_.add(std::move(record));
    else
      store_.accept(std::move(record));
    any = true;
  }
  return any;
}

// What to do next: units that may run side by side first, exclusive ones when nothing else runs.
Job::Units Job::next_of(const Units& units) const {
  for (const bool exclusive : {false, true}) {
    Units missing;
    for (const auto& unit : units)
      if (unit.exclusive == exclusive && !store_.results().count(unit.key)) missing.push_back(unit);
    if (!missing.empty()) return missing;
  }
  return {};
}

// Collective. Runs units that are all exclusive or all not, and tells every rank their records;
// true when somebody was asked to stop.
bool Job::share(const Units& units, const std::function<void(std::size_t)>& report) {
  parallel::Sharing sharing(comm_, units.size(), stop_asked);
  const bool works = comm_.is_root() || !units.front().exclusive;
  while (const auto range = works ? sharing.next() : std::nullopt)
    for (auto i = range->first; i < range->last && !stop_asked(); ++i) {
      run_unit(units[i]);
      report(sharing.over());
    }
  const bool stopped = sharing.finish([&] { report(sharing.over()); });
  store_.exchange();
  return stopped;
}

void Job::run_unit(const Unit& unit) {
  watch_.begin(unit);
  archive::Record record;
  bool failed = false;
  try {
    record = workbench_->run(unit, store_.results());
  } catch (const std::exception& error) {
    failed = true;
    record = pipeline::failure(unit, error.what());
    log_line(std::string("gainsweep: ") + error.what());
  }
  watch_.end(failed);
  store_.add(std::move(record));
}

// Collective. Takes over what the point found.
void Job::gather(const config::Point& point) {
  parallel::together(comm_, [&] {
    if (comm_.is_root())
      gathering_.add({point.parameters, describe(*experiment_),
                      pipeline::assemble(*experiment_, store_.results())});
  });
}

Outcome Job::finish(archive::Contents contents) {
  bool failed = false;
  parallel::together(comm_, [&] {
    if (!comm_.is_root()) return;
    contents.tables = std::move(gathering_).finish();
    for (const auto& table : contents.tables) failed = failed || table.path == "failures";
    archive::write(options_.folder / "archive.h5", contents, [&] { store_.check_folder(); });
    ledger_.finished = utc_now();
    save_ledger();
  });
  return comm_.all_of(!failed) ? Outcome::done : Outcome::failed;
}

void Job::note_point(const config::Point& point) {
  ledger_.parameters = config::text_of(point.parameters);
  earlier_ = ledger_.units;
  if (ledger_.points > 1 && comm_.is_root())
    log_line("gainsweep: point " + std::to_string(ledger_.point) + " of 0 to " +
             std::to_string(ledger_.points - 1) + ": " + ledger_.parameters);
}

// For `status`, which tells a stage's rate from it. The ranks start their count with the stage.
void Job::note_start(pipeline::Stage stage) {
  watch_.enter(stage);
  if (!comm_.is_root()) return;
  ledger_.stage = name(stage);
  ledger_.stage_started = unix_seconds();
  ledger_.stage_over = 0;
  for (const auto& key : ledger_.units[name(stage)])
    ledger_.stage_over += store_.results().count(key);
  save_ledger();
}

void Job::note(pipeline::Stage stage, const Units& units) {
  if (!comm_.is_root()) return;
  auto keys = earlier_[name(stage)];
  std::set<std::string> known(keys.begin(), keys.end());
  for (const auto& unit : units)
    if (known.insert(unit.key).second) keys.push_back(unit.key);
  auto& noted = ledger_.units[name(stage)];
  if (noted == keys) return;
  noted = std::move(keys);
  save_ledger();
}

void Job::save_ledger() {
  store_.check_folder();
  write(options_.folder, ledger_);
}

std::string Job::title(pipeline::Stage stage) const {
  if (ledger_.points == 1) return name(stage);
  return name(stage) + (", point " + std::to_string(ledger_.point));
}

}  // namespace gainsweep::cli
