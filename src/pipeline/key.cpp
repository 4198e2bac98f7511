#include "pipeline/key.hpp"

#include "base/error.hpp"
#include "digest/digest.hpp"
#include "format/range.hpp"

namespace gainsweep::pipeline::key {
namespace {

constexpr std::int64_t observe_version = 2, weights_version = 1, score_version = 5,
                       anchor_version = 3, timing_version = 5, plan_version = 4, losses_version = 6,
                       plan_times_version = 5, floor_version = 4, resamples_version = 1,
                       answers_version = 1;

digest::Builder base(const char* stage, std::int64_t version, const Computing& computing) {
  if (computing.model.empty())
    throw Error(ErrorKind::internal, "units were asked for before the model's digest was set");
  digest::Builder builder;
  builder.add("stage", stage)
      .add("version", version)
      .add("model", computing.model)
      .add("torch", computing.torch)
      .add("instruction_set", computing.instruction_set)
      .add("arithmetic", computing.arithmetic)
      .add("device", computing.device)
      .add("threads", computing.threads);
  for (const auto& [name, text] : execute::parts(computing.identity)) builder.add(name, text);
  return builder;
}

void add(digest::Builder& builder, const Sample& sample) {
  builder.add("tokens", sample.tokens).add("last", sample.last_label);
  if (!sample.mask.empty()) builder.add("mask", sample.mask);
  if (sample.scored > 0) builder.add("scored", sample.scored);
}

void add(digest::Builder& builder, const Workload& workload, const std::string& formats,
         Round round) {
  builder.add("machine", workload.machine)
      .add("scope", workload.scope)
      .add("batch", workload.batch)
      .add("length", workload.length)
      .add("warmup", workload.warmup)
      .add("blocks", workload.blocks)
      .add("seed", workload.seed)
      .add("formats", formats)
      .add("attempt", round.attempt)
      .add("round", round.number);
  if (!workload.caches.empty()) builder.add("caches", workload.caches);
  if (!workload.fused.empty()) builder.add("fused", workload.fused);
}

void add(digest::Builder& builder, const char* operand, const format::NumberFormat& number) {
  builder.add(operand, number.name)
      .add("scale", static_cast<std::int64_t>(number.scale))
      .add("granularity", static_cast<std::int64_t>(number.granularity))
      .add("backoff", number.backoff)
      .add("scale_grid", number.scale_grid);
  if (!format::covers_all(number)) builder.add("range", number.range);
}

// What evaluations have always run in is in no key.
void add_precision(digest::Builder& builder, const std::string& precision) {
  if (precision != "fp32") builder.add("precision", precision);
}

std::string of_evaluation(digest::Builder& builder, const std::string& precision,
                          const std::string& formats, const std::string& maxima,
                          const std::string& samples, const std::string& assignment) {
  add_precision(builder, precision);
  return builder.add("formats", formats)
      .add("maxima", maxima)
      .add("samples", samples)
      .add("assignment", assignment)
      .finish();
}

}  // namespace

std::string of_sample_set(std::span<const Sample> samples) {
  digest::Builder builder;
  for (const auto& sample : samples) add(builder, sample);
  return builder.finish();
}

std::string of_formats(const std::vector<format::Format>& formats) {
  digest::Builder builder;
  for (const auto& format : formats) {
    builder.add("format", format.name);
    add(builder, "weight", format.weight);
    if (format.activation) add(builder, "activation", *format.activation);
  }
  return builder.finish();
}

std::string of_maxima(const lower::Maxima& maxima) {
  digest::Builder builder;
  for (const auto& row : maxima)
    for (const float value : row) builder.add("maximum", static_cast<double>(value));
  return builder.finish();
}

std::string of_partition(const graph::Partition& partition) {
  digest::Builder builder;
  for (const auto& subgraph : partition.subgraphs) {
    builder.add("ops", subgraph.ops.size());
    for (const auto op : subgraph.ops) builder.add("op", op.index);
  }
  return builder.finish();
}

std::string of_fused(const graph::Partition& partition) {
  digest::Builder builder;
  bool any = false;
  for (const auto& subgraph : partition.subgraphs)
    for (const auto& group : subgraph.fused) {
      any = true;
      builder.add("ops", group.size());
      for (const auto place : group) builder.add("op", subgraph.ops[place].index);
    }
  return any ? builder.finish() : "";
}

std::string observe(const Computing& computing, const std::string& precision,
                    const Sample& sample) {
  auto builder = base("observe", observe_version, computing);
  builder.add("precision", precision);
  add(builder, sample);
  return builder.finish();
}

std::string weights(const Computing& computing) {
  return base("weights", weights_version, computing).finish();
}

std::string score(const Computing& computing, const std::string& precision, const Sample& sample,
                  const std::string& formats, const std::string& maxima) {
  auto builder = base("score", score_version, computing);
  builder.add("precision", precision);
  add(builder, sample);
  return builder.add("formats", formats).add("maxima", maxima).finish();
}

std::string anchor(const Computing& computing, const std::string& precision,
                   const std::string& formats, const std::string& maxima, const Sample& sample) {
  auto builder = base("anchor", anchor_version, computing);
  add_precision(builder, precision);
  add(builder, sample);
  return builder.add("formats", formats).add("maxima", maxima).finish();
}

std::string timing(const Computing& computing, const Workload& workload, const std::string& formats,
                   const std::vector<std::string>& lowered,
                   const std::vector<graph::Configuration>& configurations, Round round) {
  auto builder = base("timing", timing_version, computing);
  add(builder, workload, formats, round);
  for (const auto& name : lowered) builder.add("lowered", name);
  for (const auto& configuration : configurations)
    for (const auto format : configuration)
      builder.add("configuration", static_cast<std::int64_t>(format.index));
  return builder.finish();
}

std::string scored_program(const std::string& decision, const std::string& objective,
                           const std::string& scores) {
  return digest::Builder()
      .add("stage", "scored program")
      .add("version", plan_version)
      .add("decision", decision)
      .add("objective", objective)
      .add("scores", scores)
      .finish();
}

std::string plan(const std::string& decision, const PlanQuestion& question,
                 const std::vector<std::string>& asked) {
  auto builder = digest::Builder();
  builder.add("stage", "planning")
      .add("version", plan_version)
      .add("decision", decision)
      .add("objective", question.objective)
      .add("how", question.how)
      .add("threshold", question.threshold)
      .add("loss_model", question.loss_model)
      .add("seed", question.seed)
      .add("draws", question.draws);
  if (!question.resource.empty()) builder.add("resource", question.resource);
  if (question.metric != "loss_error") builder.add("metric", question.metric);
  if (question.verify > 0) builder.add("verify", question.verify);
  for (const auto& key : asked) builder.add("asked", key);
  return builder.finish();
}

std::string resamples(const std::string& decision, const std::string& samples,
                      const ResampleQuestion& question) {
  auto builder = digest::Builder();
  builder.add("stage", "resamples")
      .add("version", resamples_version)
      .add("decision", decision)
      .add("samples", samples)
      .add("objective", question.objective)
      .add("loss_model", question.loss_model);
  for (const double threshold : question.thresholds) builder.add("threshold", threshold);
  return builder.add("first", question.first).add("number", question.number).finish();
}

std::string losses(const Computing& computing, const std::string& precision,
                   const std::string& formats, const std::string& maxima,
                   const std::string& samples, const std::string& assignment) {
  auto builder = base("losses", losses_version, computing);
  return of_evaluation(builder, precision, formats, maxima, samples, assignment);
}

std::string floor(const Computing& computing, const std::string& precision,
                  const std::string& formats, const std::string& maxima, const std::string& samples,
                  const std::string& assignment) {
  auto builder = base("floor", floor_version, computing);
  return of_evaluation(builder, precision, formats, maxima, samples, assignment);
}

std::string answers(const Computing& computing, const std::string& precision,
                    const std::string& formats, const std::string& maxima, const std::string& task,
                    const std::string& requests, const std::string& assignment) {
  auto builder = base("answers", answers_version, computing);
  builder.add("task", task);
  return of_evaluation(builder, precision, formats, maxima, requests, assignment);
}

std::string plan_times(const Computing& computing, const Workload& workload,
                       const std::string& formats, const std::string& partition,
                       const std::string& assignment, Round round) {
  auto builder = base("plan_times", plan_times_version, computing);
  add(builder, workload, formats, round);
  return builder.add("partition", partition).add("assignment", assignment).finish();
}

}  // namespace gainsweep::pipeline::key
