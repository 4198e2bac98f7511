#include "job/job.hpp"

#include <algorithm>
#include <new>

#include "archive/archive.hpp"
#include "base/error.hpp"
#include "base/exception.hpp"
#include "base/log.hpp"
#include "digest/digest.hpp"
#include "job/progress.hpp"
#include "job/signals.hpp"
#include "parallel/agree.hpp"
#include "parallel/sharing.hpp"

namespace gainsweep::job {
namespace {

using batch::Call;
using batch::Placement;
using batch::Results;
using batch::Stage;
using batch::Unit;

constexpr std::chrono::seconds write_ledger_every{1};

std::size_t count_over(const std::vector<Unit>& units, const Results& results) {
  return static_cast<std::size_t>(std::count_if(
      units.begin(), units.end(), [&](const auto& unit) { return results.is_over(unit.key); }));
}

std::size_t count_failed(const std::vector<Unit>& units, const Results& results) {
  return static_cast<std::size_t>(std::count_if(units.begin(), units.end(), [&](const auto& unit) {
    return results.failure(unit.key).has_value();
  }));
}

Watch::Ended ended(const std::optional<Reason>& reason) {
  if (reason && reason->kind == ErrorKind::environment) return Watch::Ended::uncounted;
  return reason ? Watch::Ended::failed : Watch::Ended::done;
}

}  // namespace

Job::Job(const parallel::Comm& comm, const Options& options, Results donor, Ledger ledger)
    : comm_(comm),
      options_(options),
      donor_(std::move(donor)),
      ledger_(std::move(ledger)),
      store_(comm, options.folder, options.retry_failed),
      watch_(comm.rank(), options.folder, store_, options.unit_limit),
      team_(comm) {}

bool Job::run_point(const batch::Experiment& experiment) {
  ledger_.parameters = experiment.title;
  if (ledger_.points > 1 && comm_.is_root())
    log_line("gainsweep: point " + std::to_string(ledger_.point) + " of 0 to " +
             std::to_string(ledger_.points - 1) + ": " + ledger_.parameters);
  for (const auto& stage : experiment.stages)
    if (run_stage(stage)) return true;
  gather(experiment);
  ++ledger_.point;
  return false;
}

// True when somebody was asked to stop.
bool Job::run_stage(const Stage& stage) {
  const LogPlace place(stage.name, "");
  meter_.begin(stage.name);
  auto call = call_for(stage);
  drop_states(call.units);
  const auto over_before = count_over(call.units, store_.results());
  note_start(stage, call);
  Progress progress(title(stage.name), call.units.size(), over_before, !comm_.is_root());
  bool stopped = false;
  for (auto next = next_of(call.units); !next.empty() && !stopped; next = next_of(call.units)) {
    const auto over = count_over(call.units, store_.results());
    stopped = run_units(stage.name, next,
                        [&](std::size_t more) { progress.reach(call.units.size(), over + more); });
    call = call_for(stage);
    progress.fail(count_failed(call.units, store_.results()));
    progress.reach(call.units.size(), count_over(call.units, store_.results()));
  }
  const auto usage = meter_.end();
  if (stopped) return true;
  if (count_over(call.units, store_.results()) > over_before) usages_.push_back(usage);
  incomplete_ = incomplete_ || !call.obstacles.empty();
  if (comm_.is_root())
    for (const auto& obstacle : call.obstacles)
      log_line("gainsweep: " + title(stage.name) + ": " + obstacle, LogLevel::warning);
  if (stage.leave) stage.leave();
  return false;
}

// Collective. Units of a stage by what is known now, noted in the ledger.
Call Job::call_for(const Stage& stage) {
  Call call;
  do {
    parallel::together(comm_, [&] {
      call = stage.call(store_.results());
      if (!call.is_forecast) return;
      if (call.obstacles.empty())
        throw Error(ErrorKind::internal, "the stage " + stage.name +
                                             " was entered before the units that it builds on "
                                             "were over");
      call.units.clear();
      call.may_come = 0;
    });
  } while (adopt(call.units) || forget_lost_chains(call.units));
  parallel::together(comm_, [&] { note(stage.name, call); });
  return call;
}

// Collective. Takes over the donor's records of units that are missing; true when there were some.
// The root stores them, the others read them there.
bool Job::adopt(const Units& units) {
  if (!options_.adopts) return false;
  bool any = false;
  parallel::together(comm_, [&] {
    for (const auto& unit : units) {
      const auto* donated = donor_.find(unit.key);
      if (donated == nullptr || store_.results().is_over(unit.key) || lost_.count(unit.key))
        continue;
      store_.add(batch::record(unit, donated->fields));
      any = true;
    }
  });
  if (!comm_.any_of(any)) return false;
  store_.exchange();
  return true;
}

// Collective. A missing unit goes on from a state: where that is gone (it was removed, or the row
// came from another archive), the unit that left it is done again. True when there were some.
bool Job::forget_lost_chains(const Units& units) {
  const bool any = std::any_of(units.begin(), units.end(), [&](const auto& unit) {
    return !unit.after.empty() && !store_.results().is_over(unit.key);
  });
  if (!any) return false;
  std::string lost;  // as the root sees the folder
  if (comm_.is_root())
    for (const auto& unit : units)
      if (!unit.after.empty() && !store_.results().is_over(unit.key) &&
          store_.results().find(unit.after) != nullptr && !store_.has_state(unit.after))
        lost += unit.after + "\n";
  lost = comm_.broadcast(lost);
  for (std::size_t begin = 0; begin < lost.size();) {
    const auto end = lost.find('\n', begin);
    const auto key = lost.substr(begin, end - begin);
    store_.forget(key);
    lost_.insert(key);
    begin = end + 1;
  }
  return !lost.empty();
}

// States that units on disk went on from.
void Job::drop_states(const Units& units) {
  if (!comm_.is_root()) return;
  for (const auto& unit : units)
    if (!unit.after.empty() && store_.results().find(unit.key) != nullptr)
      store_.drop_state(unit.after);
}

// What to do next: all missing units of the first placement that has some, kin beside kin.
Job::Units Job::next_of(const Units& units) const {
  for (const auto placement : {Placement::anywhere, Placement::together, Placement::alone}) {
    Units missing;
    for (const auto& unit : units)
      if (unit.placement == placement && !store_.results().is_over(unit.key))
        missing.push_back(unit);
    std::stable_sort(missing.begin(), missing.end(),
                     [](const auto& a, const auto& b) { return a.kin < b.kin; });
    if (!missing.empty()) return missing;
  }
  return {};
}

// Collective. Runs units of one placement, and tells every rank their records; true when somebody
// was asked to stop.
bool Job::run_units(const std::string& stage, const Units& units, const Report& report) {
  bool stopped = false;
  switch (units.front().placement) {
    case Placement::anywhere:
      stopped = share(stage, units, report);
      break;
    case Placement::together:
      stopped = run_together(stage, units, report);
      break;
    case Placement::alone:
      stopped = run_alone(stage, units, report);
      break;
  }
  store_.exchange();
  drop_states(units);
  return stopped;
}

bool Job::share(const std::string& stage, const Units& units, const Report& report) {
  const auto kindred =
      std::find_if(units.begin(), units.end(), [](const auto& unit) { return !unit.kin.empty(); });
  parallel::Sharing sharing(comm_, units.size(), stop_asked,
                            static_cast<std::size_t>(kindred - units.begin()));
  while (const auto range = sharing.next())
    for (auto i = range->first; i < range->last && !stop_asked(); ++i) {
      std::vector<std::string_view> ahead;
      for (auto next = i + 1; next < range->last; ++next)
        if (!units[next].kin.empty()) ahead.push_back(units[next].kin);
      run_unit(stage, units[i], std::move(ahead));
      report(sharing.over() + (i + 1 - range->first));
    }
  return sharing.finish([&] { report(sharing.over()); });
}

// Nobody shares out meanwhile, so that no thread of the root's disturbs what it may be timing.
bool Job::run_alone(const std::string& stage, const Units& units, const Report& report) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (comm_.any_of(stop_asked())) return true;
    if (comm_.is_root()) run_unit(stage, units[i], {});
    report(i + 1);
  }
  return comm_.any_of(stop_asked());
}

// One at a time, so that all can stop between two.
bool Job::run_together(const std::string& stage, const Units& units, const Report& report) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    const auto& unit = units[i];
    if (comm_.any_of(stop_asked())) return true;
    const LogPlace place("", unit.label);
    watch_.begin(unit);
    batch::Fields fields;
    batch::Context context{team_, {}};
    const auto reason = team_.close(work(unit, context, fields));
    watch_.end(comm_.is_root() ? ended(reason) : Watch::Ended::uncounted);
    if (reason && reason->kind == ErrorKind::environment) {
      const auto text = comm_.broadcast(comm_.is_root() ? note_end(stage, unit, reason->text) : "");
      throw parallel::SharedError(ErrorKind::environment, text);
    }
    auto record =
        reason ? batch::failure(unit, stage, reason->text) : batch::record(unit, std::move(fields));
    if (reason && comm_.is_root()) log_line("gainsweep: " + reason->text, LogLevel::warning);
    if (comm_.is_root())
      store_.add(std::move(record));
    else
      store_.accept(std::move(record));
    report(i + 1);
  }
  return comm_.any_of(stop_asked());
}

void Job::run_unit(const std::string& stage, const Unit& unit,
                   std::vector<std::string_view> ahead) {
  batch::Alone alone;
  batch::Context context{alone, {}, std::move(ahead)};
  batch::Fields fields;
  const LogPlace place("", unit.label);
  watch_.begin(unit);
  const auto reason = work(unit, context, fields);
  watch_.end(ended(reason));
  if (reason && reason->kind == ErrorKind::environment)
    throw Error(ErrorKind::environment, note_end(stage, unit, reason->text));
  if (reason) log_line("gainsweep: " + reason->text, LogLevel::warning);
  store_.add(reason ? batch::failure(unit, stage, reason->text)
                    : batch::record(unit, std::move(fields)));
}

// A unit's work up to its state on disk; why it failed, with the unit's label.
std::optional<Reason> Job::work(const Unit& unit, batch::Context& context, batch::Fields& fields) {
  try {
    if (!unit.after.empty()) context.state = store_.state(unit.after);
    auto product = unit.work(context);
    const bool keeps = unit.placement != Placement::together || comm_.is_root();
    if (keeps && !product.state.empty()) store_.keep_state(unit.key, product.state);
    fields = std::move(product.fields);
    return std::nullopt;
  } catch (const Error& error) {
    return Reason{error.kind(), with_context(error, unit.label).what()};
  } catch (const std::bad_alloc&) {
    return Reason{ErrorKind::environment,
                  unit.label + ": out of memory. Give the job more memory, or start fewer ranks."};
  } catch (const std::exception& error) {
    return Reason{ErrorKind::internal, unit.label + ": " + message_of(error)};
  }
}

// Stores that an error of the environment came with this unit: the job is about to end. What ended
// two jobs in a row is the unit's own fault: the next one goes on without it.
std::string Job::note_end(const std::string& stage, const Unit& unit, const std::string& reason) {
  const bool again = store_.ended_before(unit.key);
  try {
    if (again)
      store_.rescue(batch::failure(unit, stage, reason));
    else
      store_.note_end(unit, stage, reason);
  } catch (const Error& error) {
    return reason + " And what it did cannot be stored: " + error.what();
  }
  if (!again) return reason + " Finished units are stored; the same command goes on with this one.";
  return reason +
         " It ended the job before this one, too, and is stored as failed; the same command goes "
         "on "
         "without it (--retry-failed tries it again).";
}

// Collective. Takes over what the point found.
void Job::gather(const batch::Experiment& experiment) {
  std::vector<std::vector<Usage>> usages;
  for (const auto& text : comm_.gather(to_text(usages_))) usages.push_back(to_usages(text));
  usages_.clear();
  parallel::together(comm_, [&] {
    if (!comm_.is_root()) return;
    auto tables = batch::tables(experiment, store_.results());
    tables.push_back(usage_table(usages));
    gathering_.add({experiment.parameters, experiment.provenance, std::move(tables)});
    if (!experiment.remarks) return;
    auto& known = ledger_.remarks;
    for (auto& remark : experiment.remarks(store_.results()))
      if (std::find(known.begin(), known.end(), remark) == known.end())
        known.push_back(std::move(remark));
  });
}

Outcome Job::finish(archive::Contents contents, const std::function<void()>& before_replacing) {
  bool failed = incomplete_;
  parallel::together(comm_, [&] {
    if (!comm_.is_root()) return;
    contents.tables = std::move(gathering_).finish();
    for (const auto& table : contents.tables) failed = failed || table.path == batch::failures;
    archive::write(options_.folder / "archive.h5", contents, [&] {
      store_.check_folder();
      if (before_replacing) before_replacing();
    });
    ledger_.finished = utc_now();
    if (!failed) ledger_.archive = digest::of_file(options_.folder / "archive.h5");
    write_ledger(/*at_once=*/true);
  });
  return comm_.all_of(!failed) ? Outcome::done : Outcome::failed;
}

// For `status`, which tells a stage's rate from it. The ranks start their count with the stage.
void Job::note_start(const Stage& stage, const Call& call) {
  watch_.enter(stage.name);
  if (!comm_.is_root() || next_of(call.units).empty()) return;
  ledger_.stage = stage.name;
  ledger_.stage_started = unix_seconds();
  ledger_.stage_over = 0;
  for (const auto& key : noted_[stage.name]) ledger_.stage_over += store_.results().is_over(key);
  write_ledger(/*at_once=*/true);
}

void Job::note(const std::string& stage, const Call& call) {
  if (!comm_.is_root()) return;
  auto noted = std::find_if(ledger_.stages.begin(), ledger_.stages.end(),
                            [&](const auto& known) { return known.stage == stage; });
  if (noted == ledger_.stages.end()) noted = ledger_.stages.insert(ledger_.stages.end(), {stage});
  bool changed = noted->may_come != call.may_come;
  for (const auto& obstacle : call.obstacles) {
    auto& known = noted->left_out;
    if (std::find(known.begin(), known.end(), obstacle) != known.end()) continue;
    known.push_back(obstacle);
    changed = true;
  }
  noted->may_come = call.may_come;
  for (const auto& unit : call.units) {
    if (!noted_[stage].insert(unit.key).second) continue;
    noted->units.push_back(unit.key);
    changed = true;
  }
  if (changed) write_ledger(/*at_once=*/!next_of(call.units).empty());
}

// A point with nothing to do does not write a long ledger for each of its stages.
void Job::write_ledger(bool at_once) {
  const auto now = std::chrono::steady_clock::now();
  if (!at_once && now - written_ < write_ledger_every) return;
  store_.check_folder();
  write(options_.folder, ledger_);
  written_ = now;
}

std::string Job::title(const std::string& stage) const {
  if (ledger_.points == 1) return stage;
  return stage + ", point " + std::to_string(ledger_.point);
}

}  // namespace gainsweep::job
