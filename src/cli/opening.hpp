#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "batch/experiment.hpp"
#include "parallel/comm.hpp"
#include "pipeline/subject.hpp"
#include "spec/spec.hpp"

namespace gainsweep::cli {

/// Starts number `index` of a device with the threads of a point's spec and opens its subject; the
/// shelf lends what earlier points opened. Errors name the point.
pipeline::Subject open(const spec::Point& point, pipeline::Shelf& shelf, model::Weights weights,
                       const execute::Device& device, std::size_t index = 0);

/// The subject of a point for a command that measures nothing: the spec's device is not looked for,
/// so that a login node serves, and weights need not be there.
pipeline::Subject open_unmeasured(const spec::Point& point, pipeline::Shelf& shelf);

/// What that leaves unsaid, as a sentence; empty for devices that are always there.
std::string not_looked_for(const std::string& device);

/// Prints what opening found of each model that users should know, once a model.
class ModelNotes {
 public:
  void tell(const model::Model& model);

 private:
  std::set<const model::Model*> told_;
};

/// The points of a run, opened on every rank: whatever is wrong with any point's inputs is found
/// before the first one runs, and inputs that points share are read once.
class Opening {
 public:
  explicit Opening(const parallel::Comm& comm);

  /// Collective. SharedError as soon as ranks differ in what unit keys follow from.
  std::vector<batch::Experiment> open(const std::vector<spec::Point>& points);
  /// Local. Prepares this rank's device for a point that is about to run.
  void start(const spec::Point& point) const;

 private:
  batch::Experiment open_one(const spec::Point& point);
  std::string digest_of(const model::Model& model, const spec::Spec& spec);

  const parallel::Comm& comm_;
  std::string host_;  // of the root, where times are measured
  int ranks_of_machine_;
  pipeline::Shelf shelf_;
  ModelNotes notes_;
  std::map<std::string, std::size_t> devices_;                    // this rank's own, by kind
  std::map<std::string, std::vector<std::string>> device_notes_;  // of all ranks, on the root
  std::map<const model::Model*, std::string> model_digests_;
};

}  // namespace gainsweep::cli
