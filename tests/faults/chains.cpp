#include <chrono>
#include <optional>
#include <thread>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "disk/lock.hpp"
#include "job/job.hpp"
#include "job/signals.hpp"
#include "parallel/agree.hpp"

/// A job to be hurt, `chains DIR`: chains of units that hand on a state, side by side and of all
/// ranks together, and units that have the device for themselves.
namespace gainsweep::job {
namespace {

constexpr std::size_t num_runs = 3, num_links = 6, num_shards = 8;

batch::Fields number(double value) {
  return {archive::reals("value", {value}, {}, "1", "A value")};
}

batch::Unit link(const std::string& chain, std::size_t place, batch::Placement placement) {
  batch::Unit unit;
  unit.key = chain + "." + std::to_string(place);
  unit.table = chain;
  unit.label = chain + " " + std::to_string(place);
  unit.order = place;
  unit.placement = placement;
  unit.work = [place](batch::Context& context) -> batch::Product {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::vector<std::vector<double>> own;
    const auto shards = batch::own_shards(context.team, num_shards);
    for (auto s = shards.first; s < shards.last; ++s)
      own.push_back({1.0 / static_cast<double>(3 * s + place + 1)});
    auto sum = batch::sum(context.team, num_shards, own).front();
    if (place > 0) sum += archive::reals(context.state, "value").at(0) / 3;
    return {number(sum), number(sum)};
  };
  return unit;
}

void add_chain(batch::Call& call, const batch::Results& results, const std::string& chain,
               batch::Placement placement) {
  std::string after;
  for (std::size_t place = 0; place < num_links; ++place) {
    call.units.push_back(link(chain, place, placement));
    call.units.back().after = after;
    after = call.units.back().key;
    if (results.find(after)) continue;
    call.may_come += num_links - place - 1;
    return;
  }
}

batch::Experiment chains() {
  batch::Experiment experiment;
  const auto stage = [&](const std::string& name, auto call) {
    experiment.stages.push_back({name, call, {}});
  };
  stage("runs", [](const batch::Results& results) {
    batch::Call call;
    for (std::size_t run = 0; run < num_runs; ++run)
      add_chain(call, results, "run" + std::to_string(run), batch::Placement::anywhere);
    return call;
  });
  stage("training", [](const batch::Results& results) {
    batch::Call call;
    add_chain(call, results, "training", batch::Placement::together);
    return call;
  });
  stage("times", [](const batch::Results&) {
    batch::Call call;
    for (std::size_t i = 0; i < num_links; ++i)
      call.units.push_back(link("times" + std::to_string(i), 0, batch::Placement::alone));
    return call;
  });
  experiment.tables = [](const batch::Results&) { return std::vector<archive::Table>{}; };
  experiment.provenance = {{"spec_resolved", "chains"}};
  return experiment;
}

int run(const parallel::Comm& comm, const std::filesystem::path& folder) {
  std::optional<disk::FolderLock> lock;
  parallel::together(comm, [&] {
    if (!comm.is_root()) return;
    lock.emplace(folder);
    archive::remove_leftovers(folder);
    forget_activities(folder);
  });
  Ledger ledger;
  ledger.name = "chains";
  ledger.started = utc_now();
  Options options;
  options.folder = folder;
  Job job(comm, options, {}, ledger);
  if (job.run_point(chains())) return stopped_exit_code;
  return job.finish({}) == Outcome::done ? 0 : 3;
}

}  // namespace
}  // namespace gainsweep::job

int main(int argc, char** argv) {
  using namespace gainsweep;
  job::catch_signals();
  const parallel::Session session(argc, argv);
  try {
    const auto comm = parallel::Comm::world();
    set_log_rank(comm.rank(), comm.size());
    const int code = job::run(comm, argv[1]);
    comm.barrier();
    return code;
  } catch (const std::exception& error) {
    log_line(error.what());
    parallel::abort(1);
  }
}
