#pragma once

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "batch/results.hpp"
#include "execute/probe.hpp"
#include "execute/program.hpp"
#include "pipeline/decision.hpp"
#include "pipeline/loss_set.hpp"
#include "pipeline/relay.hpp"
#include "pipeline/subject.hpp"
#include "pipeline/timed_programs.hpp"
#include "pipeline/weights.hpp"
#include "sensitivity/anchor.hpp"

namespace gainsweep::pipeline {

/// Largest magnitudes of operands.
struct Observed {
  lower::Maxima maxima;  ///< what scales are taken from: a fused group's weights share one
  lower::Maxima alone;   ///< of each operand by itself
  std::string digest;    ///< of activations and of what weights share; a model's stands for these
};

/// Scores the samples of a bucket.
struct Scoring {
  std::shared_ptr<const graph::Graph> graph;
  execute::Prober prober;
};

/// What the anchors of a sample gave, while its unit is still to come.
struct Anchored {
  sensitivity::AnchorRecord record;
  std::exception_ptr failure;
};

/// A plan to evaluate: its losses, and its time where the device really runs its formats.
struct Evaluated {
  graph::Assignment assignment;
  archive::Nature nature = archive::Nature::deterministic;
};

/// A point at work on this rank: what the units of its stages share, and what was made of results,
/// each thing made when first needed and made again only when the results that it comes from have
/// changed. For one thread.
struct Workbench {
  explicit Workbench(std::shared_ptr<const Subject> about);

  std::shared_ptr<const Subject> subject;
  std::string formats, partition;  ///< digests, for keys
  key::Computing computing;
  key::Workload workload;
  LossSet evaluation, search;  ///< samples of the spec's plans, and those of strategies' searches

  Weights scoring, timing, evaluating;
  ByBucket<execute::Program> observers;  ///< of observed graphs
  ByBucket<Scoring> scorers;
  Relay relay;                               ///< runs on `evaluating`
  std::map<std::size_t, Anchored> anchored;  ///< by sample
  TimedPrograms timed;

  std::vector<std::string> observe_keys;
  batch::Memo<Observed> observed{{"maxima", "weight_maxima", "failures"}};
  batch::Memo<std::vector<std::string>> score_keys{{"maxima", "failures"}};
  batch::Memo<std::vector<std::string>> anchor_keys{{"maxima", "failures"}};
  batch::Memo<std::shared_ptr<const Decision>> decision{
      {"maxima", "scores", "anchors", "latency", "failures"}};
  batch::Memo<std::vector<Evaluated>> evaluated{{"maxima", "scores", "anchors", "latency", "plans",
                                                 "programs", "budgets", "evaluations", "failures"}};
  std::map<std::string, latency::Timings> rounds;  ///< parsed, by unit key
};

using Bench = std::shared_ptr<Workbench>;

}  // namespace gainsweep::pipeline
