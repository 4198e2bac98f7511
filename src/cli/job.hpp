#pragma once

#include <functional>
#include <string>
#include <vector>

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

/// One rank's part in a run. Units of a stage are shared out as ranks ask for them; exclusive ones
/// (timings) wait until nothing else runs and are the root's, while the others idle: times of one
/// table have to come from one node.
class Job {
 public:
  /// Collective. `donor` holds units of another archive that need not be done again.
  Job(const parallel::Comm& comm, const RunOptions& options, const pipeline::Experiment& experiment,
      pipeline::Results donor, std::string started);

  /// Collective. Every stage, then the archive. `spec_text` is the spec as written.
  Outcome run(const std::string& spec_text);

 private:
  using Units = std::vector<pipeline::Unit>;

  bool run_stage(pipeline::Stage stage);
  Units call_for(pipeline::Stage stage);
  bool adopt(const Units& units);
  Units next_of(const Units& units) const;
  bool share(const Units& units, const std::function<void(std::size_t)>& report);
  void run_unit(const pipeline::Unit& unit);
  bool write_archive(const std::string& spec_text);
  void note_start(pipeline::Stage stage, std::size_t over);
  void note(pipeline::Stage stage, const Units& units);

  const parallel::Comm& comm_;
  const RunOptions& options_;
  const pipeline::Experiment& experiment_;
  pipeline::Results donor_;
  Ledger ledger_;
  pipeline::Workbench workbench_;
  Store store_;
  Watch watch_;
};

}  // namespace gainsweep::cli
