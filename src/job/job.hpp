#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "archive/sweep.hpp"
#include "batch/experiment.hpp"
#include "job/ledger.hpp"
#include "job/store.hpp"
#include "job/team.hpp"
#include "job/usage.hpp"
#include "job/watch.hpp"
#include "parallel/comm.hpp"

/// The engine: runs batch experiments on ranks, whatever they are about. It shares units out,
/// stores, watches and resumes them.
namespace gainsweep::job {

struct Options {
  std::filesystem::path folder;      ///< of the run's results
  bool retry_failed = false;         ///< units that failed before are tried again
  std::optional<double> unit_limit;  ///< s; a unit that runs longer ends the job
  bool adopts = false;               ///< the root has a donor
};

/// How a run ended.
enum class Outcome {
  done,
  failed,   ///< the archive is written, some of its units failed or were left out
  stopped,  ///< by SIGUSR1, before the end
};

/// One rank's part in a run, point by point. Units that points share are done at the first. A
/// stage's units are shared out as ranks ask for them; those of Placement::together follow, one at
/// a time, and those of Placement::alone are the root's when nothing else runs.
class Job {
 public:
  /// Collective. The root's `donor` holds units of another archive that need not be done again; the
  /// ledger has the run's name, start and number of points.
  Job(const parallel::Comm& comm, const Options& options, batch::Results donor, Ledger ledger);

  /// Collective. Every stage of the next point; true when somebody was asked to stop. SharedError
  /// where all ranks know of it; any other Error is this rank's alone, and the job has to be
  /// aborted.
  bool run_point(const batch::Experiment& experiment);

  /// Collective, after all points: the archive. `contents` has everything but tables. The root
  /// calls `before_replacing`, if there is one, once the new archive is on disk and before it gets
  /// its name, maybe in the place of an earlier one.
  Outcome finish(archive::Contents contents, const std::function<void()>& before_replacing = {});

  /// Units that this run or an earlier one stored, as this rank knows.
  const batch::Results& results() const { return store_.results(); }

  /// What experiments remarked on their results, each sentence once; the root's.
  const std::vector<std::string>& remarks() const { return ledger_.remarks; }

 private:
  using Units = std::vector<batch::Unit>;
  using Report = std::function<void(std::size_t over)>;

  bool run_stage(const batch::Stage& stage);
  batch::Call call_for(const batch::Stage& stage);
  bool adopt(const Units& units);
  bool forget_lost_chains(const Units& units);
  void drop_states(const Units& units);
  Units next_of(const Units& units) const;
  bool run_units(const std::string& stage, const Units& units, const Report& report);
  bool share(const std::string& stage, const Units& units, const Report& report);
  bool run_alone(const std::string& stage, const Units& units, const Report& report);
  bool run_together(const std::string& stage, const Units& units, const Report& report);
  void run_unit(const std::string& stage, const batch::Unit& unit,
                std::vector<std::string_view> ahead);
  std::optional<Reason> work(const batch::Unit& unit, batch::Context& context,
                             batch::Fields& fields);
  std::string note_end(const std::string& stage, const batch::Unit& unit,
                       const std::string& reason);
  void note_start(const batch::Stage& stage, const batch::Call& call);
  void note(const std::string& stage, const batch::Call& call);
  void write_ledger(bool at_once);
  void gather(const batch::Experiment& experiment);
  std::string title(const std::string& stage) const;

  const parallel::Comm& comm_;
  Options options_;
  batch::Results donor_;
  std::set<std::string> lost_;  // units whose record was there without the state that they left
  Ledger ledger_;
  std::map<std::string, std::set<std::string>> noted_;  // the ledger's keys by stage
  std::chrono::steady_clock::time_point written_;       // the ledger
  Store store_;
  Watch watch_;
  RankTeam team_;
  Meter meter_;
  std::vector<Usage> usages_;     // of the point's stages
  bool incomplete_ = false;       // something was left out
  archive::Gathering gathering_;  // of the root
};

}  // namespace gainsweep::job
