#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "pipeline/subject.hpp"

/// Seconds that a rank takes over units that have work in common.
namespace gainsweep::pipeline {

/// Of the anchors of some samples.
double anchor_seconds(const Subject& subject, std::size_t num_samples);

/// Of all-high and plans on the spec's evaluation samples, and of `again` of them at the next
/// scales. A plan's segment costs what the mean over formats does; one that plans begin with alike
/// is run once.
double evaluation_seconds(const Subject& subject, const std::vector<graph::Assignment>& plans,
                          std::size_t again);

/// Of what all-high and plans say of the spec's tasks, likewise.
double answer_seconds(const Subject& subject, const std::vector<graph::Assignment>& plans);

/// Of all rounds of the contest of a timing target, by its table.
double contest_seconds(const Subject& subject, const std::string& table);

/// The same of a whole plan against all-high.
double plan_contest_seconds(const Subject& subject);

}  // namespace gainsweep::pipeline
