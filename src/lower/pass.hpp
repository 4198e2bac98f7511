#pragma once

#include <string>
#include <vector>

#include "format/format.hpp"
#include "graph/partition.hpp"

/// Pure passes graph → graph. They change what an op computes, never how the graph is walked.
namespace gainsweep::lower {

/// Largest magnitude of each operand by [op][operand]; only activations' entries are read.
using Maxima = std::vector<std::vector<float>>;

/// The graph with `gainsweep::observe(z, op, operand)` before each op, once an activation operand.
graph::Graph observe(const graph::Graph& graph, const std::vector<graph::Op>& ops);

/// The graph with each op replaced by its probed form: `gainsweep::probed_linear(x, w, b, op)`,
/// `gainsweep::probed_matmul(a, b, op)`, `gainsweep::probed_convolution(…, op)`.
graph::Graph probe(const graph::Graph& graph, const std::vector<graph::Op>& ops);

/// The numerics of an assignment in the program's own precision: operands of lowered ops go through
/// `gainsweep::fake_quantize(z, format, scale)` (static), `gainsweep::fake_quantize_dynamic(z,
/// format, backoff)` or `gainsweep::fake_quantize_weight(w, format, backoff, per_channel)`.
/// `formats` is indexed by FormatId; `maxima` may be empty when no static scale is needed.
graph::Graph fake_quantize(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                           const graph::Assignment& assignment,
                           const std::vector<format::Format>& formats, const Maxima& maxima);

/// Which formats a device really runs, by kind of op, and how.
struct Target {
  std::string name;                         ///< "cpu"
  std::vector<std::string> linear_formats;  ///< low formats with a real linear kernel
  std::vector<std::string> matmul_formats;
  std::vector<std::string> convolution_formats;
};

/// The CPU through oneDNN: int8 linear layers; everything else stays high.
Target cpu_target();

/// Low formats (FormatIds) that an op may take on a target; the high format is always first.
std::vector<FormatId> real_formats(const Target& target, const graph::Op& op,
                                   const std::vector<format::Format>& formats);

/// The program a device runs for an assignment. On the CPU: high linear layers with prepacked
/// weights (`mkldnn::_reorder_linear_weight`, `mkldnn::_linear_pointwise`), int8 ones with
/// `gainsweep::quantize` nodes shared inside a sub-graph and never across,
/// `onednn::qlinear_prepack` and `onednn::qlinear_pointwise`. Error(config) for a format the target
/// does not really run.
graph::Graph lower(const graph::Graph& graph, const graph::Partition& partition,
                   const graph::Assignment& assignment, const std::vector<format::Format>& formats,
                   const Maxima& maxima, const Target& target);

}  // namespace gainsweep::lower
