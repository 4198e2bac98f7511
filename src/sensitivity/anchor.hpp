#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "execute/outcome.hpp"

/// How much rounding changes the loss on average, measured on anchors: assignments that give every
/// op the same low format (docs/method.md, "Anchors"). Pure.
namespace gainsweep::sensitivity {

/// What an assignment did to one sample.
struct Shift {
  double loss_change = 0;          ///< g̃ − g, nat
  execute::Departure departure{};  ///< of the predictions; 0 where the model gives none
};

/// One sample in the high format and at every anchor.
struct AnchorRecord {
  double loss = 0;                                  ///< in the high format
  std::optional<execute::Confidence> confidence{};  ///< none where the model gives no class scores
  std::vector<Shift> shifts{};                      ///< by low format
};

/// The mean change of the loss under one assignment, with what it is made of.
struct MeanChange {
  double change = 0;      ///< b, nat: what is predicted with
  double measured = 0;    ///< mean of g̃ − g
  double divergence = 0;  ///< mean KL(p‖p̃)
  double gap = 0;         ///< mean of loss − entropy: how over-confident the model is
  double flattening = 0;  ///< ε = Σ tilt / Σ spread: how much flatter predictions become
};

/// A sample in the high format, for mean_change.
struct Sureness {
  double loss = 0;
  std::optional<execute::Confidence> confidence{};
};

/// With `b = mean KL − gap·ε`, which first order in the temperature gives, drawn to the measured
/// mean with the weight `t²/(t² + se²)`, `t = gap·ε/2`, `se` the standard error of that mean (no
/// weight where one sample has none). Where the model gives no class scores, the measured mean.
/// Error(internal) without samples or where their numbers differ.
MeanChange mean_change(std::span<const Sureness> samples, std::span<const Shift> shifts);

/// Of every low format; `places` are the samples that count, as often as they stand there.
std::vector<MeanChange> mean_changes(std::span<const AnchorRecord> records,
                                     std::span<const std::size_t> places);
/// Every sample once.
std::vector<MeanChange> mean_changes(std::span<const AnchorRecord> records);

/// `β`, 1/nat: the mean change of the loss per unit of `D`, of all anchors together; negative where
/// the loss falls. 0 where all loss errors are 0. `loss_errors` are the sums of the anchors' `d`,
/// all formats together.
double bias_rate(std::span<const MeanChange> changes, double loss_errors);

}  // namespace gainsweep::sensitivity
