#pragma once

#include "base/id.hpp"
#include "execute/pace.hpp"
#include "graph/partition.hpp"
#include "pipeline/subject.hpp"

/// How long a rank takes over what stages do, before any work: each kind of segment that a graph is
/// made of runs alone here, in the precision and on the shapes of the stage, once a process.
/// Samples of other lengths count by their tokens.
namespace gainsweep::pipeline {

using execute::Pace;

/// Of a calibration sample whose largest magnitudes are observed; once: those of the weights.
Pace observing_pace(const Subject& subject);

/// Of a sample that is scored, cut as it will be.
Pace scoring_pace(const Subject& subject);

/// Of a sample under a plan that has every op in a format; once: weights as the plan has them.
Pace evaluation_pace(const Subject& subject, FormatId format);
/// What of it comes behind the last value that is handed on: scores and loss.
Pace head_pace(const Subject& subject, FormatId format);

/// Of all requests of the subject's tasks under such a plan.
Pace answer_pace(const Subject& subject, FormatId format);

/// Seconds of segments of the latency workload, all high.
struct TimedSegments {
  double holder = 0;  ///< the one that has an op
  double kinds = 0;   ///< one of each structure
  std::size_t num_kinds = 0;
  double interlude = 0;  ///< what comes before each run
};
TimedSegments timed_segments(const Subject& subject, OpId op);

/// Of a run of the latency workload with every op in a format that is real for it, all others high;
/// once: packed weights.
Pace timed_pace(const Subject& subject, FormatId format);

}  // namespace gainsweep::pipeline
