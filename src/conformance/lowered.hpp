#pragma once

#include <string>
#include <vector>

#include "conformance/workload.hpp"
#include "lower/target.hpp"

/// Workloads in the formats that a device really runs. Private to this folder.
namespace gainsweep::conformance {

/// The precision that low formats are checked beside: the product's own rounding is all that can
/// differ then.
inline constexpr auto beside = execute::Precision::fp32;

const lower::Target& target_of(const execute::Device& device);

/// The formats (FormatIds) that a device really runs an op in; the high one first.
std::vector<FormatId> real_formats(const execute::Device& device, const graph::Op& op,
                                   const std::vector<format::Format>& formats);

/// Why times of a low format would mean nothing on a device; empty where it has kernels.
std::string why_not(const execute::Device& device, const std::string& format);

/// Low formats that a device's target runs some op of a Llama in; those of them that have kernels
/// here.
std::vector<std::string> low_formats(const execute::Device& device);
std::vector<std::string> runnable(const execute::Device& device);

/// What programs are made in where no value is looked at: bf16, or fp32 where a format lacks
/// kernels beside that.
execute::Precision usual_precision(const execute::Device& device);

/// A workload with what its programs are made from: its ops and static scales.
struct Lowerable {
  Workload workload;
  graph::Partition partition;
  std::vector<format::Format> formats;  ///< high first
  lower::Maxima maxima;
};
Lowerable lowerable(Workload workload, const std::vector<std::string>& low);

/// The program that a device runs for an assignment, and the one that rounds as it should.
graph::Graph lowered(const Lowerable& model, const graph::Assignment& assignment,
                     const execute::Device& device);
graph::Graph rounded(const Lowerable& model, const graph::Assignment& assignment);

/// The assignment in which every op takes the first low format that the device runs it in.
graph::Assignment lowest(const Lowerable& model, const execute::Device& device);

}  // namespace gainsweep::conformance
