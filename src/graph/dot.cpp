#include <array>
#include <string_view>

#include "base/text.hpp"
#include "graph/notation.hpp"
#include "graph/print.hpp"
#include "graph/region.hpp"

namespace gainsweep::graph {
namespace {

/// A quoted DOT string; control characters would break lines or the SVG made from it.
std::string quoted(std::string_view text) {
  return escape(one_line(text));
}

/// An identifier: a letter or word and an index.
std::string numbered(std::string word, std::size_t index) {
  return word += std::to_string(index);
}

/// Two lines: the operator, and where it stands.
std::string label(const Node& node) {
  std::string text = quoted(node.op);
  if (node.path.empty()) return text;
  text.pop_back();
  return text + "\\n" + quoted(node.path).substr(1);
}

std::string_view colour(std::size_t subgraph) {
  constexpr std::array<std::string_view, 8> colours{"#a6cee3", "#fdbf6f", "#b2df8a", "#fb9a99",
                                                    "#cab2d6", "#ffff99", "#80cdc1", "#e5c494"};
  return colours[subgraph % colours.size()];
}

std::string node_line(const Graph& graph, std::size_t node, std::string_view fill) {
  return numbered("n", node) + " [label=" + label(graph.nodes[node]) +
         (fill.empty() ? "" : ", style=filled, fillcolor=" + quoted(fill)) + "];\n";
}

/// One cluster a sub-graph: its ops, coloured, and the nodes between them. Marks what it wrote.
std::string clusters(const Graph& graph, const Partition& partition, std::vector<bool>& written) {
  std::vector<bool> is_op(graph.nodes.size());
  for (const Op& op : partition.ops) is_op[op.node.index] = true;
  std::string text;
  for (std::size_t i = 0; i < partition.subgraphs.size(); ++i) {
    const Subgraph& subgraph = partition.subgraphs[i];
    text += "  subgraph cluster_" + std::to_string(i) + " {\n    label=" + quoted(subgraph.name) +
            "; style=rounded; color=gray;\n";
    std::vector<NodeId> op_nodes;
    for (const OpId op : subgraph.ops) {
      op_nodes.push_back(partition.ops[op.index].node);
      text += "    " + node_line(graph, op_nodes.back().index, colour(i));
      written[op_nodes.back().index] = true;
    }
    for (const NodeId id : region_between(graph, op_nodes)) {
      if (written[id.index] || is_op[id.index]) continue;
      text += "    " + node_line(graph, id.index, "");
      written[id.index] = true;
    }
    text += "  }\n";
  }
  return text;
}

/// The DOT name of what a value comes from; empty for parameters and constants.
std::string source(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (value.producer) return numbered("n", value.producer->index);
  return value.kind == ValueKind::input ? numbered("v", id.index) : "";
}

std::string edge(const Graph& graph, ValueId id, const std::string& target) {
  const std::string from = source(graph, id);
  if (from.empty()) return {};
  return "  " + from + " -> " + target + " [label=" + quoted(type_text(graph.value(id))) + "];\n";
}

std::string edges(const Graph& graph) {
  std::string text;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const ValueId id : values_read(graph.nodes[i])) {
      text += edge(graph, id, numbered("n", i));
    }
  }
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const std::string output = numbered("output", i);
    text += "  " + output + " [label=\"output\", shape=ellipse];\n" +
            edge(graph, graph.outputs[i], output);
  }
  return text;
}

}  // namespace

std::string to_dot(const Graph& graph, const Partition* partition) {
  // Without newrank dot ranks clusters apart and fails where one spans the ranks of another.
  std::string text = "digraph " + quoted(graph.name) +
                     " {\n  newrank=true;\n"
                     "  node [shape=box, fontname=Helvetica];\n"
                     "  edge [fontname=Helvetica, fontsize=9];\n";
  for (const ValueId id : graph.inputs) {
    text += "  v" + std::to_string(id.index) + " [label=" + quoted(graph.value(id).name) +
            ", shape=ellipse];\n";
  }
  std::vector<bool> written(graph.nodes.size());
  if (partition != nullptr) text += clusters(graph, *partition, written);
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!written[i]) text += "  " + node_line(graph, i, "");
  }
  return text + edges(graph) + "}\n";
}

}  // namespace gainsweep::graph
