#include "conformance/values.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "conformance/lowered.hpp"
#include "execute/probe.hpp"

namespace gainsweep::conformance {
namespace {

const execute::Device& cpu() {
  return execute::devices().at("cpu");
}

std::string rounded_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1g", number);
  return text;
}

/// Numbers that may be `most` apart, and on average `most_mean`.
Finding judged(const Distance& found, const Distance& most) {
  const bool is_close = found.largest <= most.largest && found.mean <= most.mean;
  return {is_close ? Verdict::passed : Verdict::failed,
          "differs by " + rounded_text(found.largest) + " of the largest number at most" +
              (is_close ? ""
                        : " (allowed: " + rounded_text(most.largest) + "), by " +
                              rounded_text(found.mean) +
                              " on average (allowed: " + rounded_text(most.mean) + ")")};
}

execute::ProbeRecord probed(const Workload& workload, const execute::Device& device) {
  const auto ops = graph::quantizable_ops(workload.graph);
  auto format = format::by_name("fp8_e4m3");
  format.activation->scale = format::ScaleRule::dynamic_max;
  auto parameters = no_parameters(device, execute::Precision::fp32);
  execute::Prober prober(lower::probe(workload.graph, ops), ops, parameters, {format},
                         maxima(workload));
  return prober.probe(execute::make_inputs(workload.graph, workload.sample, {}, device));
}

std::vector<double> sensitivities(const execute::ProbeRecord& record) {
  std::vector<double> all{record.loss};
  for (const auto& operands : record.operands)
    for (const auto& operand : operands) all.push_back(operand.sensitivity);
  return all;
}

/// An op alone in a low format: the same codes, whose products are added up in some order.
Finding low_op(const execute::Device& device, Workload workload, const std::string& format) {
  const auto model = lowerable(std::move(workload), {format});
  const graph::Assignment low(1, FormatId{1});
  if (lowest(model, device) != low) {
    const auto why = device.lacks(model.partition.ops[0].kind, model.formats[1]);
    return {Verdict::untried, why.empty() ? "no kernel" : why};
  }
  const auto& sample = model.workload.sample;
  return judged(distance(run(lowered(model, low, device), sample, device, beside),
                         run(rounded(model, low), sample, cpu(), beside)),
                {1e-3, 2e-4});
}

/// The sub-graph that holds both products of an attention.
const graph::Subgraph& attention(const graph::Partition& partition) {
  return *std::ranges::max_element(partition.subgraphs, {},
                                   [](const auto& subgraph) { return subgraph.ops.size(); });
}

std::vector<graph::Assignment> assignments(const Lowerable& model, const execute::Device& device) {
  const auto& subgraph = attention(model.partition);
  std::vector<std::vector<FormatId>> allowed;
  for (const auto op : subgraph.ops)
    allowed.push_back(real_formats(device, model.partition.ops[op.index], model.formats));
  std::vector<graph::Assignment> all;
  for (const auto& configuration : graph::configurations(subgraph, allowed)) {
    graph::Assignment assignment(model.partition.ops.size(), high_format);
    for (std::size_t i = 0; i < configuration.size(); ++i)
      assignment[subgraph.ops[i].index] = configuration[i];
    all.push_back(std::move(assignment));
  }
  return all;
}

}  // namespace

Finding high_values(const execute::Device& device, execute::Precision precision) {
  const auto workload = llama(model::Output::class_scores);
  const auto values = [&](const execute::Device& on) {
    return run(workload.graph, workload.sample, on, precision);
  };
  const bool is_fp32 = precision == execute::Precision::fp32;
  return judged(distance(values(device), values(cpu())),
                is_fp32 ? Distance{1e-4, 1e-5} : Distance{0.05, 0.01});
}

Finding scores(const execute::Device& device) {
  const auto workload = llama(model::Output::mean_loss);
  return judged(
      distance(sensitivities(probed(workload, device)), sensitivities(probed(workload, cpu()))),
      {1e-3, 1e-4});
}

Finding low_values(const execute::Device& device, const std::string& format) {
  const auto known = low_formats(device);
  if (std::ranges::find(known, format) == known.end())
    return {Verdict::untried, "the target " + device.target() + " has no kernel of it"};
  if (const auto why = why_not(device, format); !why.empty()) return {Verdict::untried, why};
  Finding all{Verdict::untried, {}};
  std::vector<std::string> details;
  for (auto& [name, workload] :
       {std::pair{"linear layer", linear_layer()}, std::pair{"product", product()}}) {
    const auto found = low_op(device, workload, format);
    if (found.verdict == Verdict::failed ||
        (found.verdict == Verdict::passed && all.verdict == Verdict::untried))
      all.verdict = found.verdict;
    details.push_back(std::string(name) + ": " + found.detail);
  }
  all.detail = join(details, "; ");
  return all;
}

Finding configurations(const execute::Device& device) {
  const auto low = runnable(device);
  if (low.empty()) return {Verdict::untried, "no low format has a kernel here"};
  const auto model = lowerable(llama(model::Output::class_scores), low);
  const auto all = assignments(model, device);
  const auto& sample = model.workload.sample;
  Distance worst;
  for (const auto& assignment : all) {
    const auto found = distance(run(lowered(model, assignment, device), sample, device, beside),
                                run(rounded(model, assignment), sample, cpu(), beside));
    worst = {std::max(worst.largest, found.largest), std::max(worst.mean, found.mean)};
  }
  // Sums of another order: few codes of later ops differ by a step.
  auto finding = judged(worst, {0.1, 5e-3});
  finding.detail = std::to_string(all.size()) + " of " + join(low) + ": " + finding.detail;
  return finding;
}

}  // namespace gainsweep::conformance
