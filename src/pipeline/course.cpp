#include "pipeline/course.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "graph/rows.hpp"
#include "graph/segments.hpp"
#include "graph/signature.hpp"
#include "pipeline/bucket.hpp"

namespace gainsweep::pipeline {
namespace {

// Puts a leg before the last one, and the last one's linear layer into blocks, where it is large.
void cut_head(Course& course, std::int64_t block_elements) {
  const auto& last = course.legs.back();
  if (last.ops.empty()) return;
  const auto& op = last.ops.back();
  const auto& weight = last.graph.value(op.operands.back().value).shape;
  if (op.kind != graph::OpKind::linear || op.weight_elements <= block_elements) return;
  auto cut = graph::in_rows(last.graph, op.node,
                            std::max<std::int64_t>(1, block_elements / weight.back()));
  if (!cut || !graph::quantizable_ops(cut->after).empty()) return;
  for (auto& block : cut->blocks) {
    auto ops = graph::quantizable_ops(block);
    course.head.push_back({std::move(block), std::move(ops), {last.places.back()}, 0});
  }
  const auto head = last.places.back();
  auto before = std::move(course.legs.back());
  course.legs.pop_back();
  if (cut->before) {
    before.graph = *std::move(cut->before);
    before.ops = graph::quantizable_ops(before.graph);
    before.places.pop_back();
    course.legs.push_back(std::move(before));
  }
  course.legs.push_back({std::move(cut->after), {}, {}, head});
}

}  // namespace

Course course(const graph::Graph& whole, const std::vector<graph::Op>& ops,
              std::int64_t block_elements) {
  Course course;
  std::size_t ops_before = 0;
  for (const auto& segment : graph::segments(whole)) {
    if (segment.leaves && !segment.outputs.empty())
      throw Error(ErrorKind::internal,
                  "graph " + whole.name + " has an output before its last segment. Report this.");
    Leg leg{graph::extract(whole, segment), {}, {}, ops_before};
    leg.ops = graph::quantizable_ops(leg.graph);
    for (const auto& op : leg.ops) {
      const auto node = segment.nodes[op.node.index];
      const auto found = std::find_if(ops.begin(), ops.end(),
                                      [&](const auto& known) { return known.node == node; });
      leg.places.push_back(static_cast<std::size_t>(found - ops.begin()));
      ops_before = std::max(ops_before, leg.places.back() + 1);
    }
    course.legs.push_back(std::move(leg));
  }
  cut_head(course, block_elements);
  return course;
}

std::size_t constant_bytes(const Course& course) {
  std::size_t elements = 0;
  for (const auto& leg : course.legs)
    for (const auto& value : leg.graph.values) elements += value.elements.size();
  return elements * sizeof(double);
}

std::size_t courses_kept(const Course& one) {
  constexpr std::size_t most_bytes = std::size_t{1} << 26;
  constexpr std::size_t most_courses = 256;
  const auto bytes = std::max<std::size_t>(1, constant_bytes(one));
  return std::max(most_buckets, std::min(most_courses, most_bytes / bytes));
}

std::vector<std::size_t> times_of(const std::vector<Leg>& legs) {
  std::vector<std::size_t> times(legs.size());
  std::map<std::string, std::size_t> first;
  for (std::size_t leg = 0; leg < legs.size(); ++leg)
    ++times[first.try_emplace(graph::signature(legs[leg].graph), leg).first->second];
  return times;
}

}  // namespace gainsweep::pipeline
