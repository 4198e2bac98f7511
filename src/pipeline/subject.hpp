#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "execute/program.hpp"
#include "lower/pass.hpp"
#include "model/model.hpp"
#include "pipeline/bucket.hpp"
#include "pipeline/given_plans.hpp"
#include "pipeline/given_times.hpp"
#include "pipeline/key.hpp"
#include "pipeline/layout.hpp"
#include "pipeline/samples.hpp"
#include "pipeline/task.hpp"
#include "pipeline/timing_target.hpp"
#include "spec/spec.hpp"

namespace gainsweep::pipeline {

/// What points of a sweep lend each other: models, texts and graphs that several of them ask for
/// are opened, read and built once.
class Shelf {
 public:
  Shelf();
  Shelf(Shelf&&) noexcept;
  ~Shelf();

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// What a point of the experiment is about: everything that its units depend on.
struct Subject {
  /// Without the objective `time` where there is nothing to time with, and with the ties of the
  /// model's family where it leaves them to it.
  spec::Spec spec;
  std::string resolved;  ///< the spec as it was asked for
  std::string untimed;   ///< why times are left out though they are asked for; else empty
  const execute::Device* device = nullptr;
  std::shared_ptr<const model::Model> model;
  std::shared_ptr<const graph::Graph> graph;  ///< batch 1, calibration.length: the mean loss
  /// The same nodes, with class scores as a second output unless the model leaves them out (its
  /// loss is no cross entropy).
  std::shared_ptr<const graph::Graph> evaluation_graph;
  bool gives_class_scores = true;
  /// The latency workload: class scores. Null where nothing is timed.
  std::shared_ptr<const graph::Graph> latency_graph;
  const lower::Target* target = nullptr;
  Layout layout;
  std::vector<TimingTarget> timing_targets;  ///< none where times are not measured
  std::optional<GivenTimes> given_times;     ///< where they are not measured
  std::vector<GivenPlan> given_plans;        ///< of evaluate.plans
  std::vector<Task> tasks;                   ///< of evaluate.tasks
  std::shared_ptr<const Samples> calibration;
  std::shared_ptr<const Samples> evaluation;
  std::shared_ptr<const Samples> search;  ///< that strategies measure plans on while they search
  execute::Environment environment;
  std::string model_digest;  ///< see open()
  std::string host;          ///< that times are measured on
  /// Bytes that a stage of this rank may own beside what its process has anyway; cuts work into
  /// pieces and is part of no key. Set by who knows how many ranks share the machine.
  std::int64_t rank_memory = std::numeric_limits<std::int64_t>::max();
};

/// Opens model and tokens, makes graphs and partition. All that can be wrong with the inputs is
/// found here: Error(config) or Error(input). Files are not read for the model's digest, which only
/// units' keys need: whoever makes an experiment of the subject sets it (ranks share that work).
/// Numbers are computed on `device`: the spec's, or its stand-in where nothing is measured.
Subject open(const spec::Spec& spec, Shelf& shelf, model::Weights weights,
             const execute::Device& device);

/// A graph of a bucket's samples with its ops: those of the layout, in its order.
struct BucketGraph {
  std::shared_ptr<const graph::Graph> graph;
  std::vector<graph::Op> ops;
};

/// What `graph` and `evaluation_graph` are, for samples of a bucket; where a bucket's targets are
/// asked about, their log-likelihoods and which are likeliest. Error(internal) where its ops are
/// not the layout's.
BucketGraph graph_of(const Subject& subject, const Bucket& bucket);
BucketGraph evaluation_graph_of(const Subject& subject, const Bucket& bucket);

/// The graph of a spec's latency workload. Error(input) where the model cannot have it.
std::shared_ptr<const graph::Graph> latency_graph(const Subject& subject, Shelf& shelf);

/// Inputs of a graph of the model, or of a piece of one, for work to which values do not matter.
execute::Inputs made_up_inputs(const Subject& subject, const graph::Graph& graph);

/// What timed programs run in: the high format's own precision.
execute::Precision timed_precision(const spec::Spec& spec);

/// What plans and anchors are run in.
execute::Precision evaluation_precision(const spec::Spec& spec);

/// Whether an objective or a constraint of times is asked for.
bool wants_time(const spec::Spec& spec);

/// Whether they are measured for it.
bool measures_time(const spec::Spec& spec);

/// Whether plans are timed: that is asked for, and the device really runs a low format.
bool times_plans(const Subject& subject);

/// The parts of keys that the whole subject has.
key::Computing computing(const Subject& subject);
key::Workload workload(const Subject& subject);

}  // namespace gainsweep::pipeline
