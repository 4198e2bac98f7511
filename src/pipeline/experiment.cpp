#include "pipeline/experiment.hpp"

#include <algorithm>

#include "archive/tokens.hpp"
#include "base/error.hpp"

namespace gainsweep::pipeline {
namespace {

// Sample i is tokens [i·L, i·L + L]: L inputs and, shifted by one, L targets.
std::vector<execute::Batch> windows(const std::vector<std::int64_t>& tokens, std::int64_t length,
                                    std::int64_t first, std::int64_t count) {
  std::vector<execute::Batch> samples;
  for (std::int64_t i = first; i < first + count; ++i) {
    const auto start = tokens.begin() + i * length;
    samples.push_back({1, length, {start, start + length}, {start + 1, start + length + 1}});
  }
  return samples;
}

void check_enough(const std::vector<std::int64_t>& tokens, const std::filesystem::path& file,
                  std::int64_t samples, std::int64_t length, const std::string& use) {
  const auto wanted = samples * length + 1;
  if (static_cast<std::int64_t>(tokens.size()) >= wanted) return;
  throw Error(ErrorKind::input, file.string() + ": " + std::to_string(tokens.size()) +
                                    " tokens, but " + use + " of " + std::to_string(length) +
                                    " tokens need " + std::to_string(wanted) +
                                    ". Give a longer token file or fewer or shorter samples.");
}

void read_samples(Experiment& experiment) {
  const auto& calibration = experiment.spec.calibration;
  const auto& evaluate = experiment.spec.evaluate;
  const auto vocabulary = experiment.model->config.vocabulary;
  std::error_code ignored;
  const bool own_file = evaluate.samples > 0 && evaluate.tokens &&
                        !std::filesystem::equivalent(*evaluate.tokens, calibration.tokens, ignored);
  std::vector<archive::TokenFile> files{{calibration.tokens, vocabulary}};
  if (own_file) files.push_back({*evaluate.tokens, vocabulary});
  const auto read = archive::read_tokens(files);
  const auto& tokens = read.front();
  check_enough(tokens, calibration.tokens, calibration.samples, calibration.length,
               std::to_string(calibration.samples) + " calibration samples");
  experiment.calibration = windows(tokens, calibration.length, 0, calibration.samples);
  if (evaluate.samples == 0) return;
  if (own_file) {
    const auto& others = read.back();
    check_enough(others, *evaluate.tokens, evaluate.samples, calibration.length,
                 std::to_string(evaluate.samples) + " evaluation samples");
    experiment.evaluation = windows(others, calibration.length, 0, evaluate.samples);
    return;
  }
  check_enough(tokens, calibration.tokens, calibration.samples + evaluate.samples,
               calibration.length,
               std::to_string(calibration.samples) + " calibration and " +
                   std::to_string(evaluate.samples) + " evaluation samples");
  experiment.evaluation =
      windows(tokens, calibration.length, calibration.samples, evaluate.samples);
}

void refuse_overlap(const Experiment& experiment) {
  for (std::size_t e = 0; e < experiment.evaluation.size(); ++e)
    for (std::size_t c = 0; c < experiment.calibration.size(); ++c)
      if (experiment.evaluation[e].tokens == experiment.calibration[c].tokens)
        throw Error(ErrorKind::config, "evaluation sample " + std::to_string(e) +
                                           " is calibration sample " + std::to_string(c) +
                                           " (measured errors of samples the plan was made from "
                                           "say nothing). Give evaluate.tokens other texts.");
}

Layout make_layout(const Experiment& experiment) {
  const auto& spec = experiment.spec;
  Layout layout;
  layout.formats = spec.formats.formats;
  layout.length = spec.calibration.length;
  layout.partition =
      graph::partition(experiment.graph, spec.partition, spec.formats.formats.size());
  for (const auto& op : layout.partition.ops)
    layout.real_formats.push_back(lower::real_formats(experiment.target, op, spec.formats.formats));
  return layout;
}

}  // namespace

std::vector<TimingTarget> timing_targets(const Layout& layout, const config::LatencySpec& spec) {
  std::vector<TimingTarget> targets;
  const auto add = [&](const std::string& table, std::vector<SubgraphId> lowered,
                       std::vector<SubgraphId> applies_to) {
    const auto& first = layout.partition.subgraphs[lowered.front().index];
    std::vector<std::vector<FormatId>> allowed;
    for (const auto op : first.ops) allowed.push_back(layout.real_formats[op.index]);
    auto configurations = graph::configurations(first, allowed);
    if (configurations.size() > 1)
      targets.push_back({table, first.name, std::move(lowered), std::move(applies_to),
                         std::move(configurations)});
  };
  const bool together = spec.scope == config::LatencyScope::model;
  for (std::size_t c = 0; c < layout.partition.classes.size(); ++c) {
    const auto& members = layout.partition.classes[c];
    if (spec.each_member)
      for (const auto member : members)
        add("latency/subgraph_" + std::to_string(member.index), {member}, {member});
    else
      add("latency/class_" + std::to_string(c), together ? members : std::vector{members.front()},
          members);
  }
  return targets;
}

gain::MeasuredTimes assign_times(const Layout& layout, const std::vector<TimingTarget>& targets,
                                 const std::vector<std::vector<latency::Timings>>& rounds) {
  gain::MeasuredTimes times;
  for (const auto& subgraph : layout.partition.subgraphs)
    times.subgraphs.push_back({{graph::Configuration(subgraph.ops.size(), high_format)}, {}, 1});
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (rounds[t].empty()) continue;
    for (const auto subgraph : targets[t].applies_to)
      times.subgraphs[subgraph.index] = {targets[t].configurations, latency::concatenate(rounds[t]),
                                         targets[t].lowered.size()};
  }
  return times;
}

Experiment open(const config::Spec& spec, const Experiment* other) {
  Experiment experiment;
  experiment.spec = spec;
  if (other != nullptr && other->spec.model.checkpoint == spec.model.checkpoint) {
    experiment.model = other->model;
    experiment.model_digest = other->model_digest;
  } else {
    experiment.model = std::make_shared<const model::Model>(model::open(spec.model.checkpoint));
  }
  read_samples(experiment);
  refuse_overlap(experiment);
  experiment.graph =
      model::build(experiment.model->config, {1, spec.calibration.length, /*with_loss=*/true});
  experiment.latency_graph = model::build(
      experiment.model->config, {spec.latency.batch, spec.latency.length, /*with_loss=*/false});
  experiment.target = lower::cpu_target();
  experiment.layout = make_layout(experiment);
  experiment.timing_targets = timing_targets(experiment.layout, spec.latency);
  experiment.environment = execute::environment(spec.latency.device);
  return experiment;
}

config::Precision timed_precision(const config::Spec& spec) {
  return spec.formats.formats[0].name == "fp32" ? config::Precision::fp32 : config::Precision::bf16;
}

bool needs_maxima(const config::Spec& spec) {
  const auto& formats = spec.formats.formats;
  return std::any_of(formats.begin() + 1, formats.end(), [](const auto& format) {
    return format.activation_scale == format::ScaleRule::static_max;
  });
}

}  // namespace gainsweep::pipeline
