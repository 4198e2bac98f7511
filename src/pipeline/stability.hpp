#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "archive/table.hpp"
#include "batch/results.hpp"
#include "batch/unit.hpp"
#include "pipeline/decision.hpp"
#include "sensitivity/prediction.hpp"

/// How stable the plans of `ip` under thresholds are (those within budgets are left out): every
/// program is solved again on resamples of the calibration samples, by the dynamic program alone. A
/// unit is an objective × a block of resamples, under all thresholds. Pure, without the model.
namespace gainsweep::pipeline {

/// The loss errors of resamples of the calibration samples, the same for all objectives and
/// thresholds. Gains, scales and constraints stay as they are.
class Resampling {
 public:
  /// As many resamples as `spec.solve` asks for, from its seed. Error(internal) without scores.
  Resampling(const Layout& layout, const spec::Spec& spec, const Measured& measured);

  sensitivity::LossErrors errors(std::size_t index) const {
    return sensitivity::loss_errors(errors_, index, terms_);
  }
  /// Of every sample's numbers and of the seed; the first resamples are the same whatever their
  /// number.
  const std::string& digest() const { return digest_; }

 private:
  sensitivity::Contributions terms_;
  sensitivity::ResampledErrors errors_;
  std::string digest_;
};

/// Some resamples under one objective: what a unit solves.
struct ResampleBlock {
  std::size_t objective = 0;  ///< index into the spec's objectives
  std::int64_t first = 0;     ///< resample; `spec::resample_block` of them
};

/// Block after block of each objective; none without `resamples`.
std::vector<ResampleBlock> resample_blocks(const spec::SolveSpec& spec);

/// Where the block's record goes and what it is called, with its key. `decision` and `samples` are
/// the digests of the objective's decision and of the resampling, or what stands for them.
batch::Ticket ticket(const spec::Spec& spec, const ResampleBlock& block,
                     const std::string& decision, const std::string& samples);

/// How often every op is low under each threshold, and what the plans gain.
batch::Fields solve_block(const Layout& layout, const spec::Spec& spec, const ResampleBlock& block,
                          const Decision& decision);

/// Choices that solving a block weighs: configurations of all sub-graphs × thresholds × resamples.
double num_choices(const Layout& layout, const spec::SolveSpec& spec);

/// The tables `stability/<objective>` of the blocks that are solved; none without any.
std::vector<archive::Table> stability_tables(const Layout& layout, const spec::Spec& spec,
                                             const Decision& decision,
                                             const batch::Results& results);

}  // namespace gainsweep::pipeline
