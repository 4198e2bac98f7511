// The walk of a graph that a target is written for.

#include "base/error.hpp"
#include "base/text.hpp"
#include "graph/ops.hpp"
#include "lower/attention.hpp"
#include "lower/cuda.hpp"
#include "lower/fuse.hpp"
#include "lower/gaudi2.hpp"
#include "lower/lowering.hpp"
#include "lower/onednn.hpp"
#include "lower/scales.hpp"

namespace gainsweep::lower {
namespace {

void require_real(const Target& target, const graph::Op& op, const format::Format& format) {
  if (target.runs(op, format)) return;
  auto names = format::names();
  std::erase_if(names, [&](const auto& name) { return !target.runs(op, format::by_name(name)); });
  throw Error(ErrorKind::config,
              "op " + op.path + " cannot run in " + format.name + " on target " + target.name +
                  " (it would be emulated there, and the time of an emulation means nothing; " +
                  (names.empty() ? "no low format has a real kernel for this kind of op"
                                 : "real low formats of this kind of op: " + join(names)) +
                  "). Leave it high in the time objective, or use a device that has the format");
}

/// Attentions that are one call: gains are added over sub-graphs, so none reaches across two.
std::vector<Attention> joined(const graph::Graph& graph, const graph::Partition& partition,
                              const graph::Assignment& assignment, const Target& target,
                              const Lowering& lowering) {
  if (!target.joins_attention) return {};
  auto found = high_attentions(graph, partition.ops, assignment);
  std::erase_if(found, [&](const Attention& one) {
    return !lowering.are_of_one_subgraph({one.qk}, {one.av});
  });
  return found;
}

/// A node that is no op. Targets may lay values out otherwise than in the order of their dimensions
/// (channels_last), and a view cannot read all of these.
void keep(Rewrite& rewrite, const graph::Node& node) {
  if (node.op == "aten::view")
    rewrite.replace(node, "aten::reshape", node.arguments);
  else
    rewrite.keep(node);
}

/// The program of a graph without fused groups.
graph::Graph lower_ops(const graph::Graph& graph, const graph::Partition& partition,
                       const graph::Assignment& assignment,
                       const std::vector<format::Format>& formats, const Maxima& maxima,
                       const Target& target) {
  Lowering lowering(graph, partition, maxima, formats.at(high_format.index));
  const auto op_at = graph::op_of_node(graph, partition.ops);
  const auto attentions = joined(graph, partition, assignment, target, lowering);
  const AttentionWriter writer(graph, partition.ops, attentions, AttentionWriter::Form::plain);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (writer.write(lowering.rewrite(), n)) continue;
    if (op_at[n] == graph::no_op) {
      keep(lowering.rewrite(), graph.nodes[n]);
      continue;
    }
    const OpSite site{{op_at[n]}, partition.ops[op_at[n]], graph.nodes[n]};
    const auto format = assignment[site.id.index];
    if (format == high_format) {
      target.high(lowering, site);
    } else {
      require_real(target, site.op, formats[format.index]);
      target.low(lowering, site, formats[format.index]);
    }
  }
  return std::move(lowering.rewrite()).finish();
}

}  // namespace

Table<Target>& targets() {
  static Table<Target> table{onednn_target(), cuda_target("cuda", false),
                             cuda_target("cuda_fast", true), gaudi2_target()};
  return table;
}

std::vector<FormatId> real_formats(const Target& target, const graph::Op& op,
                                   const std::vector<format::Format>& formats) {
  std::vector<FormatId> result{high_format};
  for (std::size_t f = 1; f < formats.size(); ++f)
    if (target.runs(op, formats[f])) result.push_back(FormatId{f});
  return result;
}

graph::Graph lower(const graph::Graph& graph, const graph::Partition& partition,
                   const graph::Assignment& assignment, const std::vector<format::Format>& formats,
                   const Maxima& maxima, const Target& target) {
  check_assignment(assignment, partition.ops.size(), formats.size());
  const auto as_run = fuse(graph, partition);
  return lower_ops(as_run.graph, as_run.partition, fused(assignment, as_run), formats,
                   fused(maxima, as_run), target);
}

}  // namespace gainsweep::lower
