// Programs whose fused groups are one product against those that compute op by op.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "execute/probe.hpp"
#include "execute/program.hpp"
#include "fixture.hpp"
#include "lower/fuse.hpp"
#include "model/model.hpp"
#include "small_family.hpp"

namespace gainsweep::execute {
namespace {

using small_family::graph_of;
using small_family::length;
using small_family::random_tensors;
using small_family::sample;

struct Tiny {
  explicit Tiny(const std::string& family) : graph(graph_of(family)) {}

  const graph::Graph graph;
  const fixture::StoredModel model{random_tensors(graph)};
  mutable Parameters parameters = model.parameters();
  const graph::Partition apart = graph::partition(graph, {}, 2);
  const graph::Partition fused = graph::partition(graph, {.fused = graph::FusedLayers::all}, 2);

  double loss(const graph::Graph& changed) const {
    return Program(changed, parameters).run(sample(graph)).front();
  }
  double high(const graph::Partition& partition, const char* target) const {
    const graph::Assignment all(partition.ops.size(), high_format);
    return loss(lower::lower(graph, partition, all, {format::by_name("bf16")}, {},
                             lower::targets().at(target)));
  }
};

TEST(FusedProgram, OfEveryFamilyEqualsTheUnfusedOne) {
  for (const char* family : small_family::families) {
    SCOPED_TRACE(family);
    const Tiny tiny(family);
    const auto num_products = lower::fuse(tiny.graph, tiny.fused).partition.ops.size();
    EXPECT_LE(num_products + 2, tiny.apart.ops.size()) << "q, k and v are one at least";
    const auto expected = tiny.loss(tiny.graph);
    for (const char* target : {"onednn", "gaudi2"}) {
      EXPECT_NEAR(tiny.high(tiny.fused, target), expected, 1e-5 * expected);
      EXPECT_NEAR(tiny.high(tiny.apart, target), expected, 1e-5 * expected);
    }
  }
}

/// Every configuration of int8 by kinds of layers: a group is one scale a channel, so its codes are
/// those of its layers.
TEST(FusedProgram, InInt8EqualsTheUnfusedOneInEveryConfiguration) {
  const auto model = model::open(GAINSWEEP_SOURCE_DIR "/configs/models/embedded");
  const auto graph = model.build({.length = length, .outputs = {model::Output::mean_loss}});
  const auto apart = graph::partition(graph, {}, 2);
  const auto fused = graph::partition(graph, {.fused = graph::FusedLayers::all}, 2);
  Parameters parameters(model, devices().at("cpu"), Precision::fp32);
  Program observed(lower::observe(graph, apart.ops), parameters);
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i <= length; ++i) ids.push_back(300 + 7 * i);
  const auto inputs =
      make_inputs(graph, fixture::window(ids, 0, length), model.inputs, devices().at("cpu"));
  const auto maxima = observe(observed, inputs, apart.ops);
  const std::array kinds{"[qkv]", "o", "gate up", "down", "lm_head"};
  const auto kind_of = [&](const std::string& path) {
    const auto leaf = path.substr(path.rfind('.') + 1);
    if (leaf == "q" || leaf == "k" || leaf == "v") return 0U;
    if (leaf == "gate" || leaf == "up") return 2U;
    const auto found = std::find(kinds.begin(), kinds.end(), leaf);
    return static_cast<unsigned>(found - kinds.begin());
  };
  const std::vector<format::Format> formats{format::by_name("bf16"), format::by_name("int8")};
  double least = 1e9, most = 0;
  for (unsigned low = 0; low < 1U << kinds.size(); ++low) {
    graph::Assignment assignment;
    for (const auto& op : apart.ops)
      assignment.push_back({op.kind == graph::OpKind::linear ? low >> kind_of(op.path) & 1U : 0U});
    const auto loss = [&](const graph::Partition& partition) {
      Program program(lower::lower(graph, partition, assignment, formats, maxima,
                                   lower::targets().at("onednn")),
                      parameters);
      return program.run(inputs).front();
    };
    const double one = loss(fused), other = loss(apart);
    EXPECT_NEAR(one, other, 1e-4 * other) << low;
    least = std::min(least, other);
    most = std::max(most, other);
    parameters.release_unused();
  }
  EXPECT_GT(most, least * (1 + 1e-4)) << "nothing was rounded";
}

/// Rows that layers are cut from are read while the product's weight is made, and then let go.
TEST(FusedProgram, HoldsWeightsOnce) {
  const Tiny tiny("phi3");
  const graph::Assignment all(tiny.fused.ops.size(), high_format);
  const auto lowered = lower::lower(tiny.graph, tiny.fused, all, {format::by_name("bf16")}, {},
                                    lower::targets().at("gaudi2"));
  auto parameters = tiny.model.parameters();
  const Program program(lowered, parameters);
  std::set<const void*> storages;
  std::size_t bytes = 0, weights = 0;
  for (const auto& tensor : program.state().bound)
    if (tensor.defined() && storages.insert(tensor.storage().data()).second)
      bytes += static_cast<std::size_t>(tensor.numel()) * tensor.element_size();
  for (const auto& value : tiny.graph.values)
    if (value.kind == graph::ValueKind::parameter)
      weights += static_cast<std::size_t>(graph::num_elements(value.shape)) * sizeof(float);
  EXPECT_LT(static_cast<double>(bytes), 1.1 * static_cast<double>(weights));
}

}  // namespace
}  // namespace gainsweep::execute
