#include "graph/partition.hpp"

#include <algorithm>
#include <boost/pending/disjoint_sets.hpp>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>

#include "base/error.hpp"
#include "graph/fused.hpp"
#include "graph/pattern.hpp"
#include "graph/reads.hpp"
#include "graph/sequential.hpp"
#include "graph/signature.hpp"

namespace gainsweep::graph {
namespace {

OpSet match_any(const std::vector<Op>& ops, const std::vector<std::string>& patterns,
                const std::string& key) {
  OpSet matched(ops.size());
  for (const auto& pattern : patterns) {
    for (const std::size_t op : matching_ops(ops, pattern, key)) matched.set(op);
  }
  return matched;
}

std::vector<OpGroup> singles(std::size_t num_ops) {
  std::vector<std::size_t> labels(num_ops);
  std::iota(labels.begin(), labels.end(), std::size_t{0});
  return groups_of(labels);
}

std::vector<OpGroup> split_off(const std::vector<OpGroup>& groups, const OpSet& split) {
  std::vector<OpGroup> result;
  for (const OpGroup& group : groups) {
    OpGroup rest;
    for (const std::size_t op : group) {
      if (split[op]) {
        result.push_back({op});
      } else {
        rest.push_back(op);
      }
    }
    if (!rest.empty()) result.push_back(std::move(rest));
  }
  std::sort(result.begin(), result.end());
  return result;
}

/// Unites the groups at the given positions, which must be neighbours.
void merge_neighbours(const std::vector<Op>& ops, const std::vector<OpGroup>& groups,
                      const std::set<std::size_t>& positions, const std::string& key,
                      boost::disjoint_sets_with_storage<>& sets) {
  for (auto next = std::next(positions.begin()); next != positions.end(); ++next) {
    const std::size_t last = *std::prev(next);
    if (*next != last + 1) {
      throw Error(ErrorKind::config,
                  key + ": the sub-graphs `" + name_of(ops, groups[last]) + "` and `" +
                      name_of(ops, groups[*next]) + "` cannot be merged (`" +
                      name_of(ops, groups[last + 1]) +
                      "` lies between them). Add a pattern for what lies between, or put a "
                      "wildcard where the layer's number stands.");
    }
    sets.union_set(last, *next);
  }
}

std::vector<OpGroup> merge_group(const std::vector<Op>& ops, const std::vector<OpGroup>& groups,
                                 const std::vector<std::string>& patterns, const std::string& key) {
  std::vector<std::size_t> position_of(ops.size());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const std::size_t op : groups[i]) position_of[op] = i;
  }
  std::map<std::string, std::set<std::size_t>> instances;
  for (const auto& pattern : patterns) {
    for (const std::size_t op : matching_ops(ops, pattern, key)) {
      instances[instance_of(pattern, ops[op].path)].insert(position_of[op]);
    }
  }
  boost::disjoint_sets_with_storage<> sets(groups.size());
  for (const auto& [instance, positions] : instances) {
    merge_neighbours(ops, groups, positions, key, sets);
  }
  std::vector<std::size_t> labels(ops.size());
  for (std::size_t op = 0; op < ops.size(); ++op) labels[op] = sets.find_set(position_of[op]);
  return groups_of(labels);
}

/// Tied ops of each group as positions in the group: matches of a pattern, and fused ones.
std::vector<std::vector<std::size_t>> tie_ops(const OpGroup& group,
                                              const std::vector<OpSet>& patterns,
                                              const std::vector<OpGroup>& fused) {
  boost::disjoint_sets_with_storage<> sets(group.size());
  for (const OpSet& matched : patterns) {
    std::size_t first = group.size();
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (!matched[group[i]]) continue;
      first = std::min(first, i);
      sets.union_set(first, i);
    }
  }
  for (const OpGroup& places : fused)
    for (const std::size_t place : places) sets.union_set(places.front(), place);
  std::vector<std::size_t> labels(group.size());
  for (std::size_t i = 0; i < group.size(); ++i) labels[i] = sets.find_set(i);
  return groups_of(labels);
}

/// base^exponent, or `limit` + 1 when that is more than `limit`.
std::size_t power_up_to(std::size_t base, std::size_t exponent, std::size_t limit) {
  std::size_t product = 1;
  for (std::size_t i = 0; i < exponent; ++i) {
    if (base > 1 && product > limit / base) return limit + 1;
    product *= base;
  }
  return product;
}

/// A sub-graph's ops for a message: its name, or that of its first ops when there are very many.
std::string named(const Partition& partition, const Subgraph& subgraph) {
  constexpr std::size_t most = 40;
  if (subgraph.ops.size() <= most) return "`" + subgraph.name + "`";
  OpGroup first;
  for (std::size_t i = 0; i < most; ++i) first.push_back(subgraph.ops[i].index);
  return "`" + name_of(partition.ops, first) + "` with " +
         std::to_string(subgraph.ops.size() - most) + " further ops";
}

void check_limit(const Partition& partition, std::size_t limit, std::size_t num_formats) {
  const auto over = [&](const Subgraph& subgraph) {
    return power_up_to(num_formats, subgraph.ties.size(), limit) > limit;
  };
  const auto& all = partition.subgraphs;
  const auto first = std::find_if(all.begin(), all.end(), over);
  if (first == all.end()) return;
  const auto others = std::count_if(all.begin(), all.end(), over) - 1;
  throw Error(
      ErrorKind::config,
      "partition: the sub-graph " + named(partition, *first) +
          (others > 0 ? " and " + std::to_string(others) + " more like it" : "") +
          " cannot be measured (its " + std::to_string(first->ops.size()) +
          " ops run side by side or are merged, and " + std::to_string(num_formats) + "^" +
          std::to_string(first->ties.size()) + " configurations are more than the limit of " +
          std::to_string(limit) +
          "). Give ops a sub-graph each with `split: [patterns]`, one format to all matches "
          "with `tie: [patterns]` (`fused: qkv` or `fused: all` to those that runtimes run as one "
          "product), or leave ops that run ahead out of the relation with `late: [patterns]`.");
}

void assign_classes(const Graph& graph, Partition& partition) {
  const auto reads = count_reads(graph);
  std::unordered_map<std::string, ClassId> known;
  for (std::size_t i = 0; i < partition.subgraphs.size(); ++i) {
    Subgraph& subgraph = partition.subgraphs[i];
    const auto [entry, added] = known.try_emplace(signature(graph, partition.ops, subgraph, reads),
                                                  ClassId{partition.classes.size()});
    if (added) partition.classes.emplace_back();
    subgraph.cls = entry->second;
    partition.classes[subgraph.cls.index].push_back({i});
  }
}

std::vector<OpGroup> group_ops(const Graph& graph, const std::vector<Op>& ops,
                               const PartitionSpec& spec) {
  const OpSet late = match_any(ops, spec.late, "partition.late");
  const OpSet split = match_any(ops, spec.split, "partition.split");
  auto groups = spec.rule == PartitionRule::single ? singles(ops.size())
                                                   : sequential_groups(graph, ops, late);
  groups = split_off(groups, split);
  for (std::size_t i = 0; i < spec.merge.size(); ++i) {
    groups = merge_group(ops, groups, spec.merge[i], "partition.merge[" + std::to_string(i) + "]");
  }
  return groups;
}

}  // namespace

std::string name_of(const std::vector<Op>& ops, const OpGroup& group) {
  const std::string& first = ops[group.front()].path;
  if (group.size() == 1) return first;
  std::size_t prefix = first.rfind('.') == std::string::npos ? 0 : first.rfind('.') + 1;
  for (const std::size_t op : group) {
    while (prefix > 0 && ops[op].path.compare(0, prefix, first, 0, prefix) != 0) {
      const std::size_t dot = prefix < 2 ? std::string::npos : first.rfind('.', prefix - 2);
      prefix = dot == std::string::npos ? 0 : dot + 1;
    }
  }
  std::string name = first.substr(0, prefix) + "{";
  for (const std::size_t op : group) {
    name += (op == group.front() ? "" : ",") + ops[op].path.substr(prefix);
  }
  return name + "}";
}

Partition partition(const Graph& graph, const PartitionSpec& spec, std::size_t num_formats) {
  Partition result{.ops = quantizable_ops(graph)};
  std::vector<OpSet> tied;
  for (const auto& pattern : spec.tie.value_or(std::vector<std::string>{})) {
    tied.push_back(match_any(result.ops, {pattern}, "partition.tie"));
  }
  const auto groups = group_ops(graph, result.ops, spec);
  const auto fused = fused_groups(graph, result.ops, groups, spec.fused);
  for (std::size_t j = 0; j < groups.size(); ++j) {
    Subgraph subgraph{.ties = tie_ops(groups[j], tied, fused[j]),
                      .fused = fused[j],
                      .name = name_of(result.ops, groups[j])};
    for (const std::size_t op : groups[j]) subgraph.ops.push_back({op});
    result.subgraphs.push_back(std::move(subgraph));
  }
  check_limit(result, spec.configuration_limit, num_formats);
  assign_classes(graph, result);
  return result;
}

}  // namespace gainsweep::graph
