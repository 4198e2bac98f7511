#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/sweep.hpp"
#include "cli/command.hpp"
#include "cli/ledger.hpp"
#include "cli/store.hpp"
#include "cli/watch.hpp"
#include "pipeline/workbench.hpp"

namespace gainsweep::cli {

/// How a run ended.
enum class Outcome {
  done,
  failed,   ///< the archive is written, some of its units failed
  stopped,  ///< by SIGUSR1, before the end
};

/// One rank's part in a run, point by point. Units that points share are done at the first. Units
/// of a stage are shared out as ranks ask for them; exclusive ones (timings) wait until nothing
/// else runs and are the root's, while the others idle: times of one table have to come from one
/// node.
class Job {
 public:
  /// Collective. `donor` holds units of another archive that need not be done again.
  Job(const parallel::Comm& comm, const RunOptions& options, pipeline::Results donor,
      Ledger ledger);

  /// Collective. Every stage of a point; true when somebody was asked to stop.
  bool run_point(const config::Point& point, const pipeline::Experiment& experiment);

  /// Collective, after all points: the archive. `contents` has everything but tables.
  Outcome finish(archive::Contents contents);

 private:
  using Units = std::vector<pipeline::Unit>;

  bool run_stage(pipeline::Stage stage);
  Units call_for(pipeline::Stage stage);
  bool adopt(const Units& units);
  Units next_of(const Units& units) const;
  bool share(const Units& units, const std::function<void(std::size_t)>& report);
  void run_unit(const pipeline::Unit& unit);
  void gather(const config::Point& point);
  void note_point(const config::Point& point);
  void note_start(pipeline::Stage stage);
  void note(pipeline::Stage stage, const Units& units);
  void save_ledger();
  std::string title(pipeline::Stage stage) const;

  const parallel::Comm& comm_;
  const RunOptions& options_;
  pipeline::Results donor_;
  Ledger ledger_;
  decltype(Ledger::units) earlier_;  // the ledger's units of earlier points
  Store store_;
  Watch watch_;
  archive::Gathering gathering_;  // of the root
  // Of the point that runs.
  const pipeline::Experiment* experiment_ = nullptr;
  std::optional<pipeline::Workbench> workbench_;
};

}  // namespace gainsweep::cli
