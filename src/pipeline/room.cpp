#include "pipeline/room.hpp"

#include <algorithm>
#include <set>

#include "pipeline/course.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/plans.hpp"

namespace gainsweep::pipeline {
namespace {

// Beginnings of plans that are kept at once where there is room.
constexpr std::size_t most_beginnings = 16;
// A plan beside all-high.
constexpr std::int64_t plans_at_once = 2;

// What plans are run with, and how far a rank's memory goes.
class Needs {
 public:
  /// Samples of some buckets are run, the longest in `course`.
  Needs(const Subject& subject, Course course, std::set<Bucket> buckets)
      : subject_(subject),
        course_(std::move(course)),
        buckets_(std::move(buckets)),
        bytes_of_real_(evaluation_precision(subject.spec) == execute::Precision::fp32 ? 4 : 2) {}

  // `together` samples of `plans` plans are run at once, for which `beginnings` of others may be
  // kept, and all-high's scores of `compared`. Values come first, without which samples do not run
  // together; weights get what is left, but for a half that the checkpoint's pages have use for.
  Room room(std::int64_t plans, std::size_t together, std::size_t beginnings,
            std::size_t compared) const {
    const auto beside = least(plans) + plan_timing_bytes(subject_);
    const auto kept_bytes = std::max<std::int64_t>(0, subject_.rank_memory - beside) / 2;
    const auto of_samples = static_cast<std::int64_t>(together) * handed_bytes();
    const auto values =
        std::min(kept_bytes / 2, of_samples * (2 * plans + static_cast<std::int64_t>(beginnings)));
    const auto scores =
        std::min((kept_bytes - values) / 2, static_cast<std::int64_t>(compared) * score_bytes());
    const auto weights = std::min(kept_bytes - values - scores, all_weight_bytes());
    return {static_cast<std::size_t>(weights), static_cast<std::size_t>(values),
            static_cast<std::size_t>(scores)};
  }

  // The hungriest segment: what is computed of a sample, and weights as they are and rounded. Heads
  // of plans stand side by side, all-high's among them, and run in turn; their scores stay.
  std::int64_t least(std::int64_t plans) const {
    std::int64_t most = 0;
    const auto& last = course_.legs.back();
    for (const auto& leg : course_.legs) {
      const auto forms = &leg == &last ? plans : 2;
      const auto scores = &leg == &last ? score_bytes() * plans : 0;
      const auto parts = &leg == &last && !course_.head.empty() ? score_bytes() * plans : 0;
      most = std::max(most, weight_bytes(leg.graph) * forms + scores + parts +
                                activation_bytes(leg.graph, bytes_of_real_).peak);
    }
    for (const auto& block : course_.head)
      most = std::max(
          most, 2 * block.ops.front().weight_elements * bytes_of_real_ + score_bytes() * plans);
    return most + table_bytes();
  }

  // Of all formats.
  std::int64_t all_weight_bytes() const {
    return weight_bytes(*subject_.evaluation_graph) *
           static_cast<std::int64_t>(subject_.layout.formats.size());
  }

  // The largest value that is handed from one leg to the next.
  std::int64_t handed_bytes() const {
    std::int64_t most = 0;
    for (std::size_t leg = 0; leg + 1 < course_.legs.size(); ++leg) {
      const auto& graph = course_.legs[leg].graph;
      most = std::max(most, graph::num_elements(graph.value(graph.outputs.front()).shape));
    }
    return most * bytes_of_real_;
  }

  // Constants of the legs that are kept for further buckets, such as tables of rotations.
  std::int64_t table_bytes() const {
    const auto further = std::min(buckets_.size(), courses_kept(course_)) - 1;
    return static_cast<std::int64_t>(further * constant_bytes(course_));
  }

  // Class scores of a sample, in fp32 whatever they are computed in.
  std::int64_t score_bytes() const {
    const auto& graph = course_.legs.back().graph;
    const bool is_asked = buckets_.rbegin()->scored > 0;
    if (graph.outputs.size() < 2 || is_asked) return 0;
    return graph::num_elements(graph.value(graph.outputs[1]).shape) * 4;
  }

 private:
  std::int64_t weight_bytes(const graph::Graph& graph) const {
    std::int64_t elements = 0;
    for (const auto id : multiplied(graph)) elements += graph::num_elements(graph.value(id).shape);
    return elements * bytes_of_real_;
  }

  const Subject& subject_;
  Course course_;
  std::set<Bucket> buckets_;
  std::int64_t bytes_of_real_;
};

Needs needs(const Subject& subject) {
  std::set<Bucket> buckets;
  for (const auto* samples : {&subject.calibration, &subject.evaluation, &subject.search})
    buckets.insert((*samples)->buckets.begin(), (*samples)->buckets.end());
  return {subject, course(*subject.evaluation_graph, subject.layout.partition.ops),
          std::move(buckets)};
}

// Of tasks; there has to be one.
Needs answer_needs(const Subject& subject) {
  std::set<Bucket> buckets;
  Bucket most;
  for (const auto& task : subject.tasks)
    for (const auto& bucket : task.runs->buckets) {
      buckets.insert(bucket);
      most.length = std::max(most.length, bucket.length);
      most.scored = std::max(most.scored, bucket.scored);
      most.packed = most.packed || bucket.packed;
    }
  const auto [graph, ops] = evaluation_graph_of(subject, most);
  return {subject, course(*graph, ops), std::move(buckets)};
}

std::int64_t sum(const Room& room) {
  return static_cast<std::int64_t>(room.weights + room.values + room.scores);
}

std::int64_t num_formats(const Subject& subject) {
  return static_cast<std::int64_t>(subject.layout.formats.size());
}

}  // namespace

Room evaluation_room(const Subject& subject) {
  const auto evaluated = subject.evaluation->ids.size(), searched = subject.search->ids.size();
  const auto chunk = static_cast<std::size_t>(subject.spec.evaluate.chunk);
  const auto beginnings =
      searched > 0 ? most_beginnings : std::min(most_beginnings, most_plans(subject.spec));
  return needs(subject).room(plans_at_once, chunk == 0 ? std::max(evaluated, searched) : chunk,
                             beginnings, evaluated + searched);
}

Room answer_room(const Subject& subject) {
  std::size_t together = 0;
  for (const auto& task : subject.tasks) together = std::max(together, task.longest_chunk());
  return answer_needs(subject).room(1, together,
                                    std::min(most_beginnings, most_plans(subject.spec)), 0);
}

Room anchor_room(const Subject& subject) {
  const auto asked = static_cast<std::size_t>(subject.spec.sensitivity.anchor_samples);
  return needs(subject).room(
      num_formats(subject), std::min(most_anchors_together, std::max<std::size_t>(1, asked)), 0, 0);
}

std::size_t samples_at_once(const Subject& subject, const Room& room, std::size_t plans) {
  const auto one = 2 * plans * static_cast<std::size_t>(needs(subject).handed_bytes());
  return std::max<std::size_t>(1, room.values / std::max<std::size_t>(1, one));
}

double part_kept(const Subject& subject, const Room& room) {
  const auto all = static_cast<double>(needs(subject).all_weight_bytes());
  return all == 0 ? 1 : std::min(1.0, static_cast<double>(room.weights) / all);
}

bool keeps_scores(const Subject& subject, const Room& room) {
  const auto needed =
      subject.evaluation->ids.size() * static_cast<std::size_t>(needs(subject).score_bytes());
  return room.scores >= needed;
}

std::int64_t evaluation_bytes(const Subject& subject) {
  const auto losses = needs(subject).least(plans_at_once) + sum(evaluation_room(subject));
  const auto answers =
      subject.tasks.empty() ? 0 : answer_needs(subject).least(1) + sum(answer_room(subject));
  return std::max(losses, answers) + plan_timing_bytes(subject);
}

std::int64_t anchor_bytes(const Subject& subject) {
  return needs(subject).least(num_formats(subject)) + sum(anchor_room(subject));
}

}  // namespace gainsweep::pipeline
