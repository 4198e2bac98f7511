#pragma once

#include <optional>
#include <string>
#include <vector>

#include "batch/stage.hpp"
#include "pipeline/consultation.hpp"
#include "pipeline/contest.hpp"
#include "pipeline/relay.hpp"
#include "pipeline/workbench.hpp"

/// What plans really do: losses on a set of samples, a unit an assignment × a chunk of samples; and
/// times of the whole model, a unit a round.
namespace gainsweep::pipeline {

/// Units of an assignment's losses, in the order of the samples; `place` is the assignment's in the
/// table. The largest magnitudes of activations must have been observed.
std::vector<batch::Unit> loss_units(const Bench& bench, const batch::Results& results,
                                    const LossSet& set, const Evaluated& plan, std::size_t place,
                                    Scales scales = Scales::observed);

/// Most plans whose arithmetic floor is measured.
inline constexpr std::size_t most_floors = 3;

/// Places of the plans whose losses are measured at the next scales too: of those that round at
/// static scales the ones of the least, the middle and the largest loss error. Plans that times led
/// to are looked at only where there are no others, so that the choice is deterministic.
std::vector<std::size_t> floor_places(const Layout& layout, const sensitivity::LossErrors& errors,
                                      const std::vector<Evaluated>& plans);

/// What such units measured, together; none while one of them is missing or has failed.
std::optional<sensitivity::Searched> gathered(const batch::Results& results,
                                              const std::vector<batch::Unit>& units);

/// The contest of a plan against all-high. The largest magnitudes of activations must have been
/// observed.
ContestTicket time_contest(const Bench& bench, const batch::Results& results, const Evaluated& plan,
                           std::size_t place);

/// Whether the device really runs the formats of an assignment.
bool is_real(const Layout& layout, const graph::Assignment& assignment);

}  // namespace gainsweep::pipeline
