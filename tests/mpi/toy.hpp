#pragma once

#include <string>
#include <vector>

#include "archive/archive.hpp"
#include "archive/field.hpp"
#include "batch/experiment.hpp"
#include "job/job.hpp"

/// Experiments of a few lines, to show what the engine does.
namespace gainsweep::job {

inline batch::Fields number(double value) {
  return {archive::reals("value", {value}, {}, "1", "A value")};
}

inline double number(const batch::Fields& fields) {
  return archive::reals(fields, "value").at(0);
}

using Work = std::function<batch::Product(batch::Context&)>;

inline batch::Unit unit(const std::string& table, std::size_t order, Work work,
                        batch::Placement placement = batch::Placement::anywhere) {
  batch::Unit made;
  made.key = table + "." + std::to_string(order);
  made.table = table;
  made.label = table + " " + std::to_string(order);
  made.order = order;
  made.placement = placement;
  made.work = std::move(work);
  return made;
}

inline batch::Stage stage(const std::string& name,
                          std::function<batch::Call(const batch::Results&)> call) {
  return {name, std::move(call), {}};
}

inline batch::Experiment experiment(std::vector<batch::Stage> stages) {
  batch::Experiment made;
  made.stages = std::move(stages);
  made.tables = [](const batch::Results&) { return std::vector<archive::Table>{}; };
  made.provenance = {{"spec_resolved", "toy"}};
  return made;
}

/// A stage of independent units whose values are squares of their numbers; `done` counts the work
/// of this process.
inline batch::Stage squares(std::size_t count, int& done,
                            batch::Placement placement = batch::Placement::anywhere) {
  return stage("squares", [=, &done](const batch::Results&) {
    batch::Call call;
    for (std::size_t i = 0; i < count; ++i)
      call.units.push_back(unit(
          "squares", i,
          [=, &done](batch::Context&) {
            ++done;
            return number(static_cast<double>(i * i));
          },
          placement));
    return call;
  });
}

/// A chain whose state is the sum of the shards of all links so far: a toy of data-parallel
/// training.
inline batch::Stage chain(std::size_t links, int& done,
                          batch::Placement placement = batch::Placement::together) {
  return stage("chain", [=, &done](const batch::Results& results) {
    batch::Call call;
    for (std::size_t link = 0; link < links; ++link) {
      auto next = unit(
          "chain", link,
          [=, &done](batch::Context& context) -> batch::Product {
            constexpr std::size_t num_shards = 8;
            ++done;
            std::vector<std::vector<double>> own;
            const auto shards = batch::own_shards(context.team, num_shards);
            for (auto s = shards.first; s < shards.last; ++s)
              own.push_back({1.0 / static_cast<double>(3 * s + link + 1)});
            auto sum = batch::sum(context.team, num_shards, own).front();
            if (link > 0) sum += number(context.state) / 3;
            return {number(sum), number(sum)};
          },
          placement);
      if (link > 0) next.after = call.units.back().key;
      call.units.push_back(std::move(next));
      if (results.find(call.units.back().key)) continue;
      if (results.failure(call.units.back().key))
        call.obstacles.push_back("links after " + std::to_string(link) + " are left out");
      else
        call.may_come = links - link - 1;
      break;
    }
    return call;
  });
}

/// How a run ended, with the archive that the root wrote.
struct Ended {
  Outcome outcome = Outcome::stopped;
  archive::Contents contents;
  Ledger ledger;

  std::vector<double> values(const std::string& table) const {
    return archive::reals(archive::table(contents, table).fields, "value");
  }
};

/// Collective. Runs the points of a job; the options name the folder.
inline Ended run(const parallel::Comm& comm, Options options,
                 const std::vector<batch::Experiment>& points, batch::Results donor = {}) {
  Ledger ledger;
  ledger.name = "toy";
  ledger.points = points.size();
  options.adopts = comm.any_of(donor.size() > 0);
  if (!comm.is_root()) donor = {};
  Ended ended;
  {
    Job job(comm, options, std::move(donor), ledger);
    for (const auto& point : points)
      if (job.run_point(point)) return ended;
    ended.outcome = job.finish({});
  }
  comm.barrier();
  ended.contents = archive::read(options.folder / "archive.h5");
  ended.ledger = read_ledger(options.folder);
  comm.barrier();
  return ended;
}

/// Collective. The sum over all ranks.
inline int total(const parallel::Comm& comm, int own) {
  double sum = 0;
  for (const auto& of_rank : comm.gather(std::vector<double>{static_cast<double>(own)}))
    sum += of_rank.front();
  return static_cast<int>(sum);
}

}  // namespace gainsweep::job
