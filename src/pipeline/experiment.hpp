#pragma once

#include <map>
#include <memory>
#include <string>

#include "batch/experiment.hpp"
#include "pipeline/subject.hpp"

namespace gainsweep::pipeline {

/// The experiment of the kind `plan` on a subject: observe, score, anchor, timing, planning.
/// Error(internal) when the subject's model has no digest yet.
batch::Experiment experiment(std::shared_ptr<const Subject> subject);

/// A resolved spec and its digest, for a point's provenance.
std::map<std::string, std::string> describe(const std::string& resolved_spec);

}  // namespace gainsweep::pipeline
