#include <algorithm>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/command.hpp"
#include "cli/memory_limit.hpp"
#include "cli/opening.hpp"
#include "graph/partition.hpp"
#include "job/progress.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/experiment.hpp"
#include "spec/read.hpp"

namespace gainsweep::cli {
namespace {

// What a stage is going to do at one point or at all of them.
struct PlannedStage {
  std::string name;
  std::size_t units = 0;     // without what earlier points do already
  std::size_t may_come = 0;  // at most so many more, where they depend on results
  // Until the last rank is over; none where the device was not looked for.
  std::optional<double> seconds;
  batch::Memory memory;  // at the point that needs most, with what the process has anyway
  std::vector<std::string> obstacles;
  std::vector<std::string> excesses;  // why a rank cannot do it
};

struct PlannedPoint {
  std::string title;
  std::vector<PlannedStage> stages;
};

struct Planned {
  int ranks = 1;                                     // of one machine
  std::string unseen;                                // the device, where it was not looked for
  std::int64_t rank_memory = 0;                      // that one may own, at the last point
  std::shared_ptr<const pipeline::Subject> subject;  // the last point's
  std::vector<PlannedPoint> points;
  std::vector<PlannedStage> total;
};

// Ranks that share the units of a stage out among themselves.
double sharers(const batch::Call& call, int ranks) {
  const bool alone = std::any_of(call.units.begin(), call.units.end(), [](const auto& unit) {
    return unit.placement == batch::Placement::alone;
  });
  const auto most =
      static_cast<double>(std::max<std::size_t>(call.units.size() + call.may_come, 1));
  return alone ? 1 : std::min(static_cast<double>(ranks), most);
}

// Units that `seen` has are left out; it grows.
PlannedStage plan_stage(const batch::Stage& stage, const Planned& all, std::int64_t process,
                        std::set<std::string>& seen) {
  auto call = stage.call({});
  std::erase_if(call.units, [&](const auto& unit) { return !seen.insert(unit.key).second; });
  PlannedStage planned{stage.name,
                       call.units.size(),
                       call.may_come,
                       std::nullopt,
                       held(stage, process),
                       std::move(call.obstacles),
                       {}};
  if (all.unseen.empty())
    planned.seconds = stage.cost(call.units, call.may_come) / sharers(call, all.ranks);
  auto what = excess(stage.name, planned.memory, all.rank_memory);
  if (!what.empty()) planned.excesses.push_back(std::move(what));
  return planned;
}

batch::Memory larger(const batch::Memory& a, const batch::Memory& b) {
  return {std::max(a.rank_bytes, b.rank_bytes), std::max(a.mapped_bytes, b.mapped_bytes), ""};
}

void add(std::vector<PlannedStage>& total, const std::vector<PlannedStage>& stages) {
  if (total.empty()) {
    total = stages;
    return;
  }
  for (std::size_t s = 0; s < total.size(); ++s) {
    total[s].units += stages[s].units;
    total[s].may_come += stages[s].may_come;
    if (total[s].seconds) *total[s].seconds += stages[s].seconds.value();
    total[s].memory = larger(total[s].memory, stages[s].memory);
    for (const auto& what : stages[s].excesses) total[s].excesses.push_back(what);
  }
}

pipeline::Subject planned_subject(const spec::Point& point, pipeline::Shelf& shelf,
                                  bool on_device) {
  const auto& device = execute::devices().at(point.spec.device);
  return on_device ? open(point, shelf, model::Weights::if_there, device)
                   : open_unmeasured(point, shelf);
}

Planned plan_points(const PlanOptions& options) {
  Planned planned;
  planned.ranks = options.ranks;
  pipeline::Shelf shelf;
  std::set<std::string> seen;
  ModelNotes notes;
  std::int64_t process = 0;  // before any probing
  for (const auto& point : spec::load_points(options.spec.path, options.spec.settings)) {
    auto subject = planned_subject(point, shelf, options.on_device);
    if (!options.on_device) planned.unseen = not_looked_for(point.spec.device);
    notes.tell(*subject.model);
    // Keys serve here to tell equal units alone; checkpoints are not read for them.
    subject.model_digest = file_of(point.spec.model).string();
    if (planned.points.empty()) process = process_memory();
    planned.rank_memory = rank_memory(point.spec, planned.ranks);
    subject.rank_memory = planned.rank_memory - process;
    planned.subject = std::make_shared<const pipeline::Subject>(std::move(subject));
    PlannedPoint of_point{spec::text_of(point.parameters), {}};
    for (const auto& stage : pipeline::experiment(planned.subject).stages)
      of_point.stages.push_back(plan_stage(stage, planned, process, seen));
    add(planned.total, of_point.stages);
    planned.points.push_back(std::move(of_point));
  }
  return planned;
}

std::string duration(const std::vector<PlannedStage>& stages) {
  double total = 0;
  for (const auto& stage : stages) {
    if (!stage.seconds) return "not known";
    total += *stage.seconds;
  }
  return job::duration(total);
}

batch::Memory largest(const std::vector<PlannedStage>& stages) {
  batch::Memory most;
  for (const auto& stage : stages) most = larger(most, stage.memory);
  return most;
}

// Ranks that one machine has the memory for.
std::int64_t most_ranks(const Planned& planned) {
  const auto bytes = largest(planned.total).rank_bytes;
  return bytes == 0 ? planned.ranks : planned.rank_memory * planned.ranks / bytes;
}

// What of each class of sub-graphs runs as one matrix product.
void print_fused(const graph::Partition& partition) {
  for (const auto& members : partition.classes) {
    const auto& first = partition.subgraphs[members.front().index];
    for (const auto& places : first.fused) {
      std::vector<std::size_t> group;
      for (const auto place : places) group.push_back(first.ops[place].index);
      std::cout << "  " << std::left << std::setw(44) << graph::name_of(partition.ops, group)
                << std::right << std::setw(4) << members.size() << " like it, one matrix product\n";
    }
  }
}

void print_model(const pipeline::Subject& subject) {
  const auto& partition = subject.layout.partition;
  std::cout << subject.spec.name << ": " << partition.ops.size() << " ops in "
            << partition.subgraphs.size() << " sub-graphs of " << partition.classes.size()
            << " classes\n"
            << pipeline::to_text(*subject.calibration, "calibration") << ", "
            << pipeline::to_text(*subject.evaluation, "evaluation") << "\n";
  for (const auto& task : subject.tasks) std::cout << "task " << pipeline::to_text(task) << "\n";
  for (const auto& note : notes_of(subject.tasks))
    std::cout << "  " << model::to_line(note) << "\n";
  std::cout << (subject.timing_targets.empty() ? "" : "\n");
  print_fused(partition);
  for (const auto& target : subject.timing_targets)
    std::cout << "  " << std::left << std::setw(44) << target.label << std::right << std::setw(4)
              << target.applies_to.size() << " like it, " << target.configurations.size()
              << " configurations timed\n";
  if (const auto& given = subject.given_times) {
    std::cout << "times are " << given->whence << ": nothing is timed\n";
    for (const auto& note : given->notes) std::cout << "  " << model::to_line(note) << "\n";
  }
}

void print_points(const std::vector<PlannedPoint>& points) {
  std::cout << "\n" << points.size() << " points; what they share is done and counted once\n";
  for (const auto& point : points)
    std::cout << "  " << std::left << std::setw(60) << point.title << " " << std::right
              << duration(point.stages) << "\n";
}

bool is_disturbed(const pipeline::Subject& subject) {
  const auto of = [&](auto precision) {
    return pipeline::measured_speed(subject, precision).disturbed;
  };
  return of(subject.spec.sensitivity.precision) ||
         (pipeline::measures_time(subject.spec) && of(pipeline::timed_precision(subject.spec)));
}

void print_speed(const pipeline::Subject& subject) {
  const auto& scoring = pipeline::measured_speed(subject, subject.spec.sensitivity.precision);
  std::cout << "times are those of the model's segments, run here alone; a layer reached "
            << std::setprecision(3) << scoring.gflops << " GFLOP/s scoring";
  if (pipeline::measures_time(subject.spec)) {
    const auto& timed = pipeline::measured_speed(subject, pipeline::timed_precision(subject.spec));
    std::cout << ", " << timed.gflops << " GFLOP/s timed";
  }
  std::cout << (is_disturbed(subject)
                    ? "; it was disturbed: others use the processors, so times here are those "
                      "of a quiet machine\n"
                    : "\n");
}

std::string memory_columns(const batch::Memory& memory, int ranks) {
  if (memory.rank_bytes == 0) return "";
  const auto own = gigabytes(memory.rank_bytes);
  if (ranks == 1) return own;
  std::ostringstream columns;
  columns << std::left << std::setw(18) << own
          << gigabytes(memory.rank_bytes * ranks + memory.mapped_bytes);
  return columns.str();
}

void print_total(const Planned& planned) {
  std::cout << "\nstage       units  may come  about, on " << std::left << std::setw(10)
            << (planned.ranks == 1 ? "one rank" : std::to_string(planned.ranks) + " ranks")
            << "  memory of a rank"
            << (planned.ranks == 1 ? "" : "  of the machine, mapped included") << "\n";
  for (const auto& stage : planned.total)
    std::cout << std::left << std::setw(11) << stage.name << std::right << std::setw(6)
              << stage.units << std::setw(10) << stage.may_come << "  " << std::left
              << std::setw(22) << duration({stage}) << memory_columns(stage.memory, planned.ranks)
              << "\n";
  for (const auto& stage : planned.total)
    for (const auto& obstacle : stage.obstacles)
      std::cout << stage.name << ": " << obstacle << "\n";
  const auto& subject = *planned.subject;
  const auto memory = largest(planned.total);
  std::cout << std::left << std::setw(29) << "total" << duration(planned.total) << "\n\n"
            << "memory: " << gigabytes(memory.mapped_bytes)
            << " of checkpoint mapped and shared, about " << gigabytes(memory.rank_bytes)
            << " in each rank besides; a machine may own "
            << gigabytes(planned.rank_memory * planned.ranks) << ", enough for "
            << most_ranks(planned) << " ranks\n";
  for (const auto& stage : planned.total)
    for (const auto& what : stage.excesses) std::cout << "refused by run: " << what << "\n";
  if (planned.unseen.empty())
    print_speed(subject);
  else
    std::cout << planned.unseen << ", so times are not known; --on-device asks it\n";
}

nlohmann::json to_json(const std::vector<PlannedStage>& stages) {
  auto json = nlohmann::json::array();
  for (const auto& stage : stages)
    json.push_back({{"stage", stage.name},
                    {"units", stage.units},
                    {"may_come", stage.may_come},
                    {"seconds", stage.seconds ? nlohmann::json(*stage.seconds) : nlohmann::json()},
                    {"rank_bytes", stage.memory.rank_bytes},
                    {"mapped_bytes", stage.memory.mapped_bytes},
                    {"refused", stage.excesses},
                    {"left_out", stage.obstacles}});
  return json;
}

nlohmann::json to_json(const pipeline::Samples& samples) {
  auto lengths = nlohmann::json::array();
  for (const auto& bucket : samples.buckets) lengths.push_back(bucket.length);
  return {{"lengths", lengths}, {"targets", samples.targets}};
}

nlohmann::json to_json(const Planned& planned) {
  const auto& partition = planned.subject->layout.partition;
  const auto memory = largest(planned.total);
  nlohmann::json json{{"name", planned.subject->spec.name},
                      {"ops", partition.ops.size()},
                      {"subgraphs", partition.subgraphs.size()},
                      {"classes", partition.classes.size()},
                      {"parameter_bytes", memory.mapped_bytes},
                      {"rank_bytes", memory.rank_bytes},
                      {"ranks", planned.ranks},
                      {"rank_memory_limit", planned.rank_memory},
                      {"device_looked_for", planned.unseen.empty()},
                      {"speed_disturbed", planned.unseen.empty() && is_disturbed(*planned.subject)},
                      {"calibration", to_json(*planned.subject->calibration)},
                      {"evaluation", to_json(*planned.subject->evaluation)},
                      {"stages", to_json(planned.total)}};
  for (const auto& task : planned.subject->tasks)
    json["tasks"].push_back({{"name", task.name},
                             {"items", task.num_items},
                             {"requests", task.num_requests},
                             {"chunks", task.chunks.size()}});
  for (const auto& target : planned.subject->timing_targets)
    json["timed"].push_back({{"subgraph", target.label},
                             {"members", target.applies_to.size()},
                             {"configurations", target.configurations.size()}});
  if (const auto& given = planned.subject->given_times) json["times"] = given->whence;
  for (const auto& point : planned.points)
    json["points"].push_back({{"parameters", point.title}, {"stages", to_json(point.stages)}});
  return json;
}

}  // namespace

int plan(const PlanOptions& options) {
  const auto planned = plan_points(options);
  if (options.json) {
    std::cout << to_json(planned).dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
              << "\n";
    return 0;
  }
  print_model(*planned.subject);
  if (planned.points.size() > 1) print_points(planned.points);
  print_total(planned);
  return 0;
}

int check(const SpecChoice& spec) {
  pipeline::Shelf shelf;
  pipeline::Subject subject;
  const auto source = spec::load(spec.path, spec.settings);
  const auto points = spec::read_points(source);
  ModelNotes notes;
  for (const auto& point : points) {
    subject = open_unmeasured(point, shelf);
    notes.tell(*subject.model);
  }
  const auto& partition = subject.layout.partition;
  std::cout << source.name << ": right. ";
  if (points.size() > 1) std::cout << points.size() << " points; the last one: ";
  std::cout << partition.ops.size() << " ops, " << partition.subgraphs.size() << " sub-graphs, "
            << pipeline::to_text(*subject.calibration, "calibration") << ", "
            << pipeline::to_text(*subject.evaluation, "evaluation");
  for (const auto& task : subject.tasks) std::cout << ", task " << pipeline::to_text(task);
  std::cout << "; nothing was run";
  if (const auto device = not_looked_for(subject.spec.device); !device.empty())
    std::cout << ", and " << device;
  std::cout << ".\n";
  return 0;
}

}  // namespace gainsweep::cli
