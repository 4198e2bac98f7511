#include "pipeline/pace.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/course.hpp"
#include "pipeline/estimate.hpp"
#include "pipeline/timed_programs.hpp"

namespace gainsweep::pipeline {
namespace {

void add(Pace& total, const Pace& more) {
  total.once += more.once;
  total.run += more.run;
}

void describe(std::string& text, const graph::Value& value) {
  text += value.kind == graph::ValueKind::intermediate ? 'v' : 'c';
  text += std::to_string(static_cast<int>(value.type));
  for (const auto size : value.shape) text += "," + std::to_string(size);
}

// Calls, words and shapes: graphs that have these in common take equally long.
std::string kind_of(const graph::Graph& graph) {
  std::string text;
  for (const auto& node : graph.nodes) {
    text += "\n" + node.op;
    for (const auto& argument : node.arguments)
      if (const auto* word = std::get_if<std::string>(&argument)) text += " " + *word;
    for (const auto id : graph::values_read(node)) describe(text, graph.value(id));
    text += "=";
    for (const auto id : node.outputs) describe(text, graph.value(id));
  }
  return text;
}

/// Paces of pieces of a subject's graphs in one precision.
class Paces {
 public:
  using Take = std::function<Pace(execute::Parameters&)>;

  Paces(const Subject& subject, execute::Precision precision)
      : subject_(subject), precision_(precision) {
    measured_speed(subject, precision);  // what libraries do when they are first used is over then
  }

  /// Of a piece that runs forward.
  Pace forward(const graph::Graph& piece) const {
    return known("forward", kind_of(piece), [&](execute::Parameters& parameters) {
      return execute::forward_pace(piece, parameters);
    });
  }

  /// Of a piece that something else is done with; `what` tells that.
  Pace known(const std::string& what, const std::string& kind, const Take& take) const {
    static std::map<std::string, Pace> all;
    auto name = what + " " + spelling(precision_) + " " + subject_.spec.device + " " +
                std::to_string(subject_.environment.threads) + kind;
    const auto [found, is_new] = all.try_emplace(std::move(name));
    if (!is_new) return found->second;
    execute::Parameters parameters(*subject_.model, *subject_.device, precision_);
    found->second = take(parameters);
    return found->second;
  }

 private:
  const Subject& subject_;
  execute::Precision precision_;
};

Pace forward_pace(const Paces& paces, const graph::Graph& whole,
                  const std::vector<graph::Segment>& segments) {
  Pace total;
  for (const auto& segment : segments) add(total, paces.forward(graph::extract(whole, segment)));
  return total;
}

// The largest magnitudes of all weights. Making the program does it all.
double seconds_of_weights(const Subject& subject) {
  const Paces paces(subject, execute::Precision::fp32);
  double seconds = 0;
  for (const auto& op : subject.layout.partition.ops) {
    if (op.weight_elements == 0) continue;
    const auto own = lower::weight_maxima(*subject.graph, {op});
    seconds += paces.forward(own).once;
  }
  return seconds;
}

lower::Maxima ones(const std::vector<graph::Op>& ops) {
  lower::Maxima maxima;
  for (const auto& op : ops) maxima.emplace_back(op.operands.size(), 1.0F);
  return maxima;
}

Pace pace_of(const Subject& subject, const std::vector<const Leg*>& legs, FormatId format) {
  const Paces paces(subject, evaluation_precision(subject.spec));
  Pace total;
  for (const auto* leg : legs) {
    const graph::Assignment assignment(leg->ops.size(), format);
    add(total, paces.forward(lower::fake_quantize(leg->graph, leg->ops, assignment,
                                                  subject.layout.formats, ones(leg->ops))));
  }
  return total;
}

// Tokens of a sample by calibration.length.
double mean_length(const Subject& subject, const Samples& samples) {
  double tokens = 0;
  for (const auto& bucket : samples.buckets) tokens += static_cast<double>(bucket.length);
  const auto all =
      samples.buckets.size() * static_cast<std::size_t>(subject.spec.calibration.length);
  return all == 0 ? 1 : tokens / static_cast<double>(all);
}

std::vector<const Leg*> legs_of(const Course& course, std::size_t first) {
  std::vector<const Leg*> legs;
  for (const auto& block : course.head) legs.push_back(&block);
  for (auto leg = first; leg < course.legs.size(); ++leg) legs.push_back(&course.legs[leg]);
  return legs;
}

Course course_of(const Subject& subject) {
  return course(*subject.evaluation_graph, subject.layout.partition.ops);
}

}  // namespace

Pace observing_pace(const Subject& subject) {
  const auto probed = lower::probe(*subject.graph, subject.layout.partition.ops);
  const Paces paces(subject, subject.spec.sensitivity.precision);
  auto pace = forward_pace(paces, probed, graph::segments(probed));
  pace.run *= mean_length(subject, *subject.calibration);
  pace.once += seconds_of_weights(subject);
  return pace;
}

Pace scoring_pace(const Subject& subject) {
  const auto& layout = subject.layout;
  const auto& ops = layout.partition.ops;
  const std::vector<format::Format> low(layout.formats.begin() + 1, layout.formats.end());
  std::string what = "scored";
  for (const auto& format : low) what += " " + format.name;
  const auto probed = lower::probe(*subject.graph, ops);
  const Paces paces(subject, subject.spec.sensitivity.precision);
  Pace total;
  for (const auto& segment : graph::segments(probed))
    add(total, paces.known(what, kind_of(graph::extract(probed, segment)),
                           [&](execute::Parameters& parameters) {
                             return execute::scored_pace(probed, segment, ops, low, ones(ops),
                                                         parameters);
                           }));
  // All stretches but the last run forward once more.
  const auto stretches = scoring_stretches(subject, probed);
  total.run +=
      forward_pace(paces, probed, {stretches.pieces.begin(), stretches.pieces.end() - 1}).run;
  total.run *= mean_length(subject, *subject.calibration);
  return total;
}

Pace evaluation_pace(const Subject& subject, FormatId format) {
  const auto course = course_of(subject);
  auto pace = pace_of(subject, legs_of(course, 0), format);
  pace.run *= mean_length(subject, *subject.evaluation);
  return pace;
}

Pace head_pace(const Subject& subject, FormatId format) {
  const auto course = course_of(subject);
  return pace_of(subject, legs_of(course, course.legs.size() - 1), format);
}

Pace answer_pace(const Subject& subject, FormatId format) {
  const auto course = course_of(subject);
  const auto head = head_pace(subject, format);
  auto pace = pace_of(subject, legs_of(course, 0), format);
  double tokens = 0, targets = 0;
  for (const auto& task : subject.tasks)
    for (const auto& bucket : task.runs->buckets) {
      tokens += static_cast<double>(bucket.length);
      targets += static_cast<double>(bucket.scored);
    }
  const auto length = static_cast<double>(subject.spec.calibration.length);
  pace.run = ((pace.run - head.run) * tokens + head.run * targets) / length;
  return pace;
}

TimedSegments timed_segments(const Subject& subject, OpId op) {
  const auto ops = graph::quantizable_ops(*subject.latency_graph);
  const Paces paces(subject, timed_precision(subject.spec));
  const auto legs = course(*subject.latency_graph, ops, uncut_head).legs;
  const auto times = times_of(legs);
  TimedSegments found;
  for (std::size_t i = 0; i < legs.size(); ++i) {
    const auto& leg = legs[i];
    const double run = paces.forward(leg.graph).run;
    if (times[i] > 0) {
      found.kinds += run;
      ++found.num_kinds;
    }
    if (std::find(leg.places.begin(), leg.places.end(), op.index) == leg.places.end()) continue;
    found.holder = run;
    const auto bytes = passing_bytes(*subject.latency_graph, leg.graph);
    const auto interlude = [&](execute::Parameters&) {
      return execute::interlude_pace(*subject.device, bytes);
    };
    found.interlude = paces.known("interlude", std::to_string(bytes), interlude).run;
  }
  return found;
}

Pace timed_pace(const Subject& subject, FormatId format) {
  const auto& layout = subject.layout;
  const auto partition =
      graph::partition(*subject.latency_graph, subject.spec.partition, layout.formats.size());
  graph::Assignment assignment(partition.ops.size(), high_format);
  for (std::size_t op = 0; op < assignment.size(); ++op) {
    const auto& real = layout.real_formats[op];
    if (std::find(real.begin(), real.end(), format) != real.end()) assignment[op] = format;
  }
  const auto whole = lower::lower(*subject.latency_graph, partition, assignment, layout.formats,
                                  ones(partition.ops), *subject.target);
  const Paces paces(subject, timed_precision(subject.spec));
  return forward_pace(paces, whole, graph::segments(whole));
}

}  // namespace gainsweep::pipeline
