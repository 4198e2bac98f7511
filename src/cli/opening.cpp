#include "cli/opening.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/memory_limit.hpp"
#include "cli/model_digest.hpp"
#include "disk/host.hpp"
#include "parallel/agree.hpp"
#include "parallel/device.hpp"
#include "pipeline/experiment.hpp"
#include "spec/read.hpp"

namespace gainsweep::cli {
namespace {

using parallel::together;

void drive(const spec::Spec& spec) {
  execute::drive_cuda(spec.cuda);
  execute::drive_hpu(spec.hpu);
}

std::size_t own_device(const parallel::Comm& comm, const execute::Device& device) {
  if (device.shared_by_ranks) return 0;
  std::vector<std::string> visible;
  together(comm, [&] {
    execute::load(device);
    visible = device.visible();
  });
  return parallel::own_device(comm, device.name, visible);
}

// What each rank's device says of itself, a line a note, in the order of ranks; on the root.
std::vector<std::string> notes_of_ranks(const parallel::Comm& comm, const execute::Device& device) {
  const auto all = comm.gather(join(device.notes(), "\n"));
  std::vector<std::string> lines;
  for (std::size_t rank = 0; comm.is_root() && rank < all.size(); ++rank)
    for (const auto& note : split(all[rank], '\n'))
      if (!note.empty()) lines.push_back("rank " + std::to_string(rank) + ": " + one_line(note));
  return lines;
}

std::vector<parallel::Claim> to_claims(const std::vector<batch::Claim>& claims) {
  std::vector<parallel::Claim> all;
  for (const auto& claim : claims) all.push_back({claim.what, claim.value, claim.kind});
  return all;
}

// Unit keys follow from these: ranks that differ would wait for units that nobody makes.
void agree_on(const parallel::Comm& comm, const std::vector<batch::Experiment>& experiments) {
  parallel::agree(comm, to_claims(experiments.front().claims));
  std::string text;  // of the other points, in one go
  for (std::size_t i = 1; i < experiments.size(); ++i)
    for (const auto& claim : experiments[i].claims)
      text += "point " + std::to_string(i) + ": " + claim.what + ": " + claim.value + "\n";
  parallel::agree(comm, {{"input of a point", text, ErrorKind::input}});
}

}  // namespace

pipeline::Subject open(const spec::Point& point, pipeline::Shelf& shelf, model::Weights weights,
                       const execute::Device& device, std::size_t index) {
  try {
    drive(point.spec);
    execute::start(device, point.spec.threads, index);
    if (point.spec.memory_limit > 0) execute::give_freed_memory_back();
    return pipeline::open(point.spec, shelf, weights, device);
  } catch (const Error& error) {
    if (point.parameters.empty()) throw;
    throw with_context(error, "at the point " + spec::text_of(point.parameters));
  }
}

pipeline::Subject open_unmeasured(const spec::Point& point, pipeline::Shelf& shelf) {
  const auto& device = execute::stand_in(execute::devices().at(point.spec.device));
  return open(point, shelf, model::Weights::if_there, device);
}

std::string not_looked_for(const std::string& device) {
  const auto& known = execute::devices().at(device);
  return &execute::stand_in(known) == &known ? "" : "device " + device + " was not looked for";
}

void ModelNotes::tell(const model::Model& model) {
  if (!told_.insert(&model).second) return;
  for (const auto& note : model.notes) log_line("gainsweep: " + model.name + ": " + to_line(note));
}

Opening::Opening(const parallel::Comm& comm)
    : comm_(comm),
      host_(comm.broadcast(disk::host_name())),
      ranks_of_machine_(comm.node().size()) {}

std::vector<batch::Experiment> Opening::open(const std::vector<spec::Point>& points) {
  std::vector<batch::Experiment> experiments;
  for (const auto& point : points) experiments.push_back(open_one(point));
  agree_on(comm_, experiments);
  return experiments;
}

batch::Experiment Opening::open_one(const spec::Point& point) {
  const auto& device = point.spec.device;
  const bool is_new = !devices_.count(device);
  drive(point.spec);
  if (is_new) devices_[device] = own_device(comm_, execute::devices().at(device));
  pipeline::Subject subject;
  std::int64_t allowed = 0, process = 0;
  together(comm_, [&] {
    subject = cli::open(point, shelf_, model::Weights::needed, execute::devices().at(device),
                        devices_.at(device));
    allowed = rank_memory(point.spec, ranks_of_machine_);
    process = process_memory();
    subject.rank_memory = allowed - process;
  });
  if (comm_.is_root()) notes_.tell(*subject.model);
  if (is_new) {
    device_notes_[device] = notes_of_ranks(comm_, *subject.device);
    for (const auto& note : device_notes_[device]) log_line("gainsweep: " + note);
  }
  subject.host = host_;
  subject.model_digest = digest_of(*subject.model, subject.spec);
  together(comm_, [&] { pipeline::check_model(subject.given_plans, subject.model_digest); });
  auto experiment =
      pipeline::experiment(std::make_shared<const pipeline::Subject>(std::move(subject)));
  together(comm_, [&] { check_memory(experiment, allowed, process); });
  experiment.title = spec::text_of(point.parameters);
  experiment.parameters = point.parameters;
  if (const auto& notes = device_notes_[device]; !notes.empty())
    experiment.machine["device_notes"] = join(notes, "\n");
  return experiment;
}

std::string Opening::digest_of(const model::Model& model, const spec::Spec& spec) {
  auto& digest = model_digests_[&model];
  if (digest.empty()) digest = digest_model(comm_, model, static_cast<int>(spec.threads));
  return digest;
}

void Opening::start(const spec::Point& point) const {
  const auto& device = point.spec.device;
  execute::start(execute::devices().at(device), point.spec.threads, devices_.at(device));
}

}  // namespace gainsweep::cli
