// What CUDA's target runs, and the layouts that its products are given.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "graphs.hpp"
#include "lower/pass.hpp"
#include "unit/throws.hpp"

namespace gainsweep::lower {
namespace {

using graph::Argument, graph::ElementType, graph::ValueId;
using graphs::count;
using ::testing::ElementsAre;

struct Sizes {
  std::int64_t rows = 32;
  std::int64_t inputs = 64;
  std::int64_t outputs = 48;
};

graph::Graph layer(const Sizes& sizes, bool has_bias = false) {
  graph::Graph graph;
  const auto& [rows, inputs, outputs] = sizes;
  const auto x = graph.add_input("x", ElementType::real, {2, rows / 2, inputs});
  std::vector<Argument> arguments{x, graph.add_parameter("w", {outputs, inputs})};
  if (has_bias) arguments.emplace_back(graph.add_parameter("b", {outputs}));
  graph.outputs = {graph.add_node("aten::linear", arguments, {2, rows / 2, outputs}, "layer")};
  return graph;
}

const Target& cuda() {
  return targets().at("cuda");
}

std::vector<FormatId> offered(const Sizes& sizes) {
  return real_formats(cuda(), graph::quantizable_ops(layer(sizes)).at(0), graphs::formats());
}

constexpr FormatId int8{1}, fp8{2};

TEST(CudaTarget, RunsSizesThatItsProductsTake) {
  EXPECT_THAT(offered({}), ElementsAre(high_format, int8, fp8));
  EXPECT_THAT(offered({.rows = 2}), ElementsAre(high_format, fp8)) << "int8 takes more than 16";
  EXPECT_THAT(offered({.rows = 16}), ElementsAre(high_format, fp8));
  EXPECT_THAT(offered({.rows = 18}), ElementsAre(high_format, int8, fp8));
  EXPECT_THAT(offered({.inputs = 72}), ElementsAre(high_format, int8)) << "fp8 multiples of 16";
  EXPECT_THAT(offered({.outputs = 40}), ElementsAre(high_format, int8));
  EXPECT_THAT(offered({.inputs = 68}), ElementsAre(high_format)) << "int8 multiples of 8";
  EXPECT_THAT(offered({.outputs = 50}), ElementsAre(high_format));
}

TEST(CudaTarget, RunsNoProductOfActivationsAndNoOtherFormat) {
  const auto ops = graph::quantizable_ops(graphs::gated());
  EXPECT_THAT(real_formats(cuda(), ops.at(3), graphs::formats()), ElementsAre(high_format));
  const auto op = graph::quantizable_ops(layer({})).at(0);
  for (const auto* name : {"bf16", "fp8_e5m2", "fp8_e4m3_gaudi2"})
    EXPECT_FALSE(cuda().runs(op, format::by_name(name))) << name;
}

TEST(CudaTarget, MakesDynamicScalesOfAnyNumberOnly) {
  const auto op = graph::quantizable_ops(layer({})).at(0);
  auto format = format::by_name("fp8_e4m3");
  format.weight.scale_grid = format.activation->scale_grid = "power_of_two";
  EXPECT_TRUE(cuda().runs(op, format)) << "a static scale is a constant";
  format.activation->scale = format::ScaleRule::dynamic_max;
  EXPECT_FALSE(cuda().runs(op, format));
  format.weight.scale_grid = format.activation->scale_grid = "arbitrary";
  EXPECT_TRUE(cuda().runs(op, format));
}

TEST(CudaTarget, RefusesWhatItDoesNotRun) {
  const auto graph = layer({.outputs = 40});
  const auto partition = graph::partition(graph, {}, 3);
  EXPECT_ERROR(
      lower(graph, partition, {fp8}, graphs::formats(), {{1.0F, 0}}, cuda()), ErrorKind::config,
      "op layer cannot run in fp8_e4m3 on target cuda (it would be emulated there, and "
      "the time of an emulation means nothing; real low formats of this kind of op: int8)");
}

/// A lowered layer and the arguments of the call that makes its products.
class LoweredLayer {
 public:
  LoweredLayer(const std::string& target, const std::string& high, const format::Format& low,
               bool has_bias = true)
      : source_(layer({}, has_bias)) {
    auto own_high = format::by_name("bf16");
    own_high.name = high;
    const auto partition = graph::partition(source_, {}, 2);
    graph_ = lower(source_, partition, {FormatId{1}}, {own_high, low}, {{1.0F, 0}},
                   targets().at(target));
  }

  const graph::Node& call(const std::string& op) const {
    const auto found = std::find_if(graph_.nodes.begin(), graph_.nodes.end(),
                                    [&](const auto& node) { return node.op == op; });
    if (found == graph_.nodes.end()) throw std::out_of_range(op);
    return *found;
  }
  const graph::Value& operand(const graph::Node& node, std::size_t argument) const {
    return graph_.value(std::get<ValueId>(node.arguments.at(argument)));
  }
  const graph::Graph& graph() const { return graph_; }

 private:
  graph::Graph source_;
  graph::Graph graph_;
};

bool is_none(const Argument& argument) {
  return std::holds_alternative<std::monostate>(argument);
}

format::Format low(const std::string& name, bool per_channel) {
  auto format = format::by_name(name);
  format.weight.granularity =
      per_channel ? format::Granularity::channel : format::Granularity::tensor;
  return format;
}

TEST(CudaTarget, GivesScaledProductsTheirLayouts) {
  for (const bool per_channel : {false, true}) {
    const LoweredLayer lowered("cuda", "bf16", low("fp8_e4m3", per_channel));
    const auto& product = lowered.call("aten::_scaled_mm");
    ASSERT_EQ(product.arguments.size(), 8U) << "nothing is left to a default";
    EXPECT_THAT(lowered.operand(product, 0).shape, ElementsAre(32, 64));
    EXPECT_THAT(lowered.operand(product, 1).shape, ElementsAre(64, 48));
    const auto& turn = lowered.graph().node(*lowered.operand(product, 1).producer);
    EXPECT_EQ(turn.op, "aten::t") << "a view of row-major codes is column-major";
    for (const std::size_t scale : {2, 3})
      EXPECT_EQ(lowered.operand(product, scale).type, ElementType::fp32);
    const auto a = lowered.operand(product, 2).shape, b = lowered.operand(product, 3).shape;
    EXPECT_EQ(a, per_channel ? (graph::Shape{32, 1}) : graph::Shape{});
    EXPECT_EQ(b, per_channel ? (graph::Shape{1, 48}) : (graph::Shape{1}));
    EXPECT_TRUE(is_none(product.arguments[5])) << "no scale of an 8-bit result";
    EXPECT_EQ(std::get<std::string>(product.arguments[6]), "real");
  }
}

TEST(CudaTarget, NamesFastAccumulation) {
  for (const std::string target : {"cuda", "cuda_fast"}) {
    const LoweredLayer lowered(target, "bf16", low("fp8_e4m3", false));
    EXPECT_EQ(std::get<bool>(lowered.call("aten::_scaled_mm").arguments[7]), target == "cuda_fast");
  }
}

TEST(CudaTarget, AddsABiasAfterAnFp32Product) {
  const LoweredLayer with_bf16("cuda", "bf16", low("fp8_e4m3", false));
  EXPECT_EQ(with_bf16.operand(with_bf16.call("aten::_scaled_mm"), 4).name, "b");
  EXPECT_EQ(count(with_bf16.graph(), "aten::add.Tensor"), 0U);
  const LoweredLayer with_fp32("cuda", "fp32", low("fp8_e4m3", false));
  EXPECT_TRUE(is_none(with_fp32.call("aten::_scaled_mm").arguments[4]));
  EXPECT_EQ(with_fp32.operand(with_fp32.call("aten::add.Tensor"), 1).name, "b");
  const LoweredLayer without("cuda", "fp32", low("fp8_e4m3", false), false);
  EXPECT_EQ(count(without.graph(), "aten::add.Tensor"), 0U);
}

TEST(CudaTarget, ScalesIntegerSumsOnce) {
  for (const bool per_channel : {false, true}) {
    const LoweredLayer lowered("cuda", "bf16", low("int8", per_channel));
    const auto& product = lowered.call("aten::_int_mm");
    EXPECT_THAT(lowered.operand(product, 0).shape, ElementsAre(32, 64));
    EXPECT_THAT(lowered.operand(product, 1).shape, ElementsAre(64, 48));
    EXPECT_EQ(lowered.graph().value(product.outputs[0]).type, ElementType::int32);
    const auto& scaling = lowered.call("gainsweep::scale_sums");
    EXPECT_THAT(lowered.operand(scaling, 1).shape, ElementsAre(per_channel ? 48 : 1));
    EXPECT_EQ(lowered.operand(scaling, 2).name, "b");
  }
}

TEST(CudaTarget, SharesCastsInsideASubgraphAndNotAcross) {
  graph::Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {32, 64});
  for (const auto* name : {"a", "b"})
    graph.outputs.push_back(
        graph.add_node("aten::linear", {x, graph.add_parameter(name, {48, 64})}, {32, 48}, name));
  graph.outputs = {graph.add_node("aten::mul.Tensor", {graph.outputs[0], graph.outputs[1]},
                                  {32, 48}, "product")};
  for (const auto rule : {graph::PartitionRule::sequential, graph::PartitionRule::single}) {
    graph::PartitionSpec spec;
    spec.rule = rule;
    const auto partition = graph::partition(graph, spec, 3);
    const Maxima maxima{{1.0F, 0}, {1.0F, 0}};
    const auto lowered = lower(graph, partition, {fp8, fp8}, graphs::formats(), maxima, cuda());
    EXPECT_EQ(count(lowered, "gainsweep::cast_to_fp8"), partition.subgraphs.size());
    const auto mixed = lower(graph, partition, {fp8, int8}, graphs::formats(), maxima, cuda());
    EXPECT_EQ(count(mixed, "gainsweep::cast_to_fp8"), 1U);
    EXPECT_EQ(count(mixed, "gainsweep::cast_to_int8"), 1U);
  }
}

TEST(CudaTarget, LeavesHighLayersAsTheyAre) {
  const auto graph = layer({}, true);
  const auto high =
      lower(graph, graph::partition(graph, {}, 2), {high_format}, graphs::formats(), {}, cuda());
  ASSERT_EQ(high.nodes.size(), 1U);
  EXPECT_EQ(high.nodes[0].op, "aten::linear");
}

}  // namespace
}  // namespace gainsweep::lower
