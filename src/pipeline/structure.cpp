#include "pipeline/structure.hpp"

#include <map>
#include <set>

#include "archive/field.hpp"
#include "digest/digest.hpp"
#include "graph/reads.hpp"
#include "graph/signature.hpp"
#include "roofline/seconds.hpp"

namespace gainsweep::pipeline {
namespace {

constexpr std::size_t shown_digest = 12;
constexpr std::size_t num_letters = 26;

using Sources = std::map<graph::ValueId, std::set<std::size_t>>;

// Of each value the ops of a sub-graph that it comes from with none of them in between; values that
// come from none of them are left out.
Sources sources_of(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                   const graph::Subgraph& subgraph) {
  std::map<graph::NodeId, std::size_t> places;
  for (std::size_t i = 0; i < subgraph.ops.size(); ++i) places[ops[subgraph.ops[i].index].node] = i;
  Sources sources;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    std::set<std::size_t> own;
    if (const auto place = places.find({n}); place != places.end())
      own.insert(place->second);
    else
      for (const auto value : graph::values_read(graph.nodes[n]))
        if (const auto known = sources.find(value); known != sources.end())
          own.insert(known->second.begin(), known->second.end());
    if (own.empty()) continue;
    for (const auto value : graph.nodes[n].outputs) sources[value] = own;
  }
  return sources;
}

std::string sizes(const graph::Graph& graph, const graph::Op& op) {
  const auto product = roofline::product_of(graph, op);
  auto text = std::string(spelling(op.kind)) + "[";
  if (op.kind == graph::OpKind::matmul) text += std::to_string(product.count) + "x";
  return text + std::to_string(product.rows) + "x" + std::to_string(product.inner) + "x" +
         std::to_string(product.columns) + "]";
}

std::string letter(std::size_t place) {
  std::string text(1, static_cast<char>('a' + place % num_letters));
  return place < num_letters ? text : text + std::to_string(place / num_letters);
}

std::string structure(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                      const graph::Subgraph& subgraph, const std::vector<std::size_t>& reads) {
  const auto sources = sources_of(graph, ops, subgraph);
  std::map<graph::ValueId, std::size_t> outside;
  std::string text;
  for (const auto id : subgraph.ops) {
    const auto& op = ops[id.index];
    text += (text.empty() ? "" : "; ") + sizes(graph, op);
    for (const auto& operand : op.operands) {
      if (operand.role == graph::OperandRole::weight) continue;
      const auto known = sources.find(operand.value);
      std::string from;
      if (known == sources.end())
        from = letter(outside.try_emplace(operand.value, outside.size()).first->second);
      else
        for (const auto place : known->second)
          from += (from.empty() ? "" : "+") + std::to_string(place);
      text += " " + from;
    }
  }
  const auto signature = graph::signature(graph, ops, subgraph, reads);
  return text + " @" + digest::of_text(signature).substr(0, shown_digest);
}

}  // namespace

std::vector<std::string> structures(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                                    const graph::Partition& partition) {
  const auto reads = graph::count_reads(graph);
  std::vector<std::string> all;
  for (const auto& members : partition.classes)
    all.push_back(structure(graph, ops, partition.subgraphs[members.front().index], reads));
  return all;
}

archive::Table to_table(const std::vector<std::string>& structures) {
  const archive::Axes axis{{"class", structures.size()}};
  return {
      "structures",
      "Sub-graphs of each class as they are in the latency workload",
      archive::Nature::deterministic,
      {archive::texts("structure", structures, axis,
                      "Ops with their sizes and what they read; timing tables are keyed by it")}};
}

}  // namespace gainsweep::pipeline
