#include "conformance/lowered.hpp"

#include <algorithm>

namespace gainsweep::conformance {

const lower::Target& target_of(const execute::Device& device) {
  return lower::targets().at(device.target());
}

std::vector<FormatId> real_formats(const execute::Device& device, const graph::Op& op,
                                   const std::vector<format::Format>& formats) {
  auto known = lower::real_formats(target_of(device), op, formats);
  std::erase_if(known, [&](FormatId id) {
    return id != high_format && !device.lacks(op.kind, formats[id.index]).empty();
  });
  return known;
}

std::string why_not(const execute::Device& device, const std::string& /*format*/) {
  for (const auto high : {execute::Precision::bf16, beside})
    if (auto why = execute::missing_kernels(device, high); !why.empty()) return why;
  return "";
}

std::vector<std::string> low_formats(const execute::Device& device) {
  const auto ops = graph::quantizable_ops(llama(model::Output::class_scores).graph);
  auto names = format::names();
  std::erase_if(names, [&](const auto& name) {
    const auto format = format::by_name(name);
    return std::ranges::none_of(ops,
                                [&](const auto& op) { return target_of(device).runs(op, format); });
  });
  return names;
}

std::vector<std::string> runnable(const execute::Device& device) {
  auto names = low_formats(device);
  std::erase_if(names, [&](const auto& name) { return !why_not(device, name).empty(); });
  return names;
}

execute::Precision usual_precision(const execute::Device& device) {
  const auto bf16 = execute::Precision::bf16;
  const auto missing = execute::missing_kernels(device, bf16);
  return missing.empty() ? bf16 : execute::Precision::fp32;
}

Lowerable lowerable(Workload workload, const std::vector<std::string>& low) {
  std::vector<format::Format> formats{format::by_name("bf16")};
  for (const auto& name : low) formats.push_back(format::by_name(name));
  auto partition = graph::partition(workload.graph, {}, formats.size());
  auto maxima = conformance::maxima(workload);
  return {std::move(workload), std::move(partition), std::move(formats), std::move(maxima)};
}

graph::Graph lowered(const Lowerable& model, const graph::Assignment& assignment,
                     const execute::Device& device) {
  return lower::lower(model.workload.graph, model.partition, assignment, model.formats,
                      model.maxima, target_of(device));
}

graph::Graph rounded(const Lowerable& model, const graph::Assignment& assignment) {
  return lower::fake_quantize(model.workload.graph, model.partition.ops, assignment, model.formats,
                              model.maxima);
}

graph::Assignment lowest(const Lowerable& model, const execute::Device& device) {
  graph::Assignment assignment;
  for (const auto& op : model.partition.ops) {
    const auto real = real_formats(device, op, model.formats);
    assignment.push_back(real.size() > 1 ? real[1] : high_format);
  }
  return assignment;
}

}  // namespace gainsweep::conformance
