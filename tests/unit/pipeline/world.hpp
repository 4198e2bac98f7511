#pragma once

#include <string>

#include "batch/experiment.hpp"
#include "models.hpp"
#include "pipeline/subject.hpp"

/// An experiment of the pipeline whose units are made up. No model and no files.
namespace gainsweep::pipeline::models {

/// Stages of the experiment, in their order.
enum Place { observing, scoring, anchoring, timing_, planning_ };

std::shared_ptr<const Samples> samples(const std::string& name, std::size_t count);

/// `small()` with the objectives time and macs, three thresholds, 3 calibration samples and 2
/// evaluation ones.
Subject subject();

batch::Experiment of(Subject about);

/// Records for the units of stages: plans are real, what measures is made up.
class World {
 public:
  explicit World(Subject about) : subject(std::move(about)), experiment(of(subject)) {}

  batch::Call call(Place place) const { return experiment.stages[place].call(results); }

  void finish(const batch::Unit& unit, Place place);
  /// Everything that a stage calls for, round after round; how many units there were.
  std::size_t finish(Place place);
  void finish_all();
  /// Units of a stage that are not over.
  std::size_t num_missing(Place place) const;
  void fail(const batch::Unit& unit, Place place);

  Subject subject;
  batch::Experiment experiment;
  batch::Results results;
  std::string host = "node1";
  bool noisy = false;  ///< contests end at the most repetitions
  bool hot = false;    ///< of classes of sub-graphs: the card was held back after every block
  /// Every low op adds so much to the loss of 1 of every sample.
  double loss_of_an_op = 0.009;

 private:
  batch::Fields losses(const batch::Unit& unit) const;
  batch::Fields round_fields(const batch::Unit& unit) const;
  void add(const batch::Unit& unit, batch::Fields fields);

  batch::Alone alone_;
  batch::Context context_{alone_, {}};
};

}  // namespace gainsweep::pipeline::models
