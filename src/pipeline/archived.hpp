#pragma once

#include <vector>

#include "archive/table.hpp"
#include "spec/spec.hpp"

namespace gainsweep::pipeline {

/// The tables of one point of an archive with new gains, plans and frontiers: what `spec` asks for,
/// from what the archive measured, without the model. Error(input) when the archive's tables do not
/// fit each other or the spec.
std::vector<archive::Table> plan_archived(const archive::Contents& contents,
                                          const spec::Spec& spec);

}  // namespace gainsweep::pipeline
