#include "roofline/seconds.hpp"

#include <gtest/gtest.h>

#include <random>

#include "devices.hpp"

namespace gainsweep::roofline {
namespace {

using testing::formats, testing::shipped;

constexpr FormatId int8{1}, ocp{2}, gaudi{3};

// x → q, k, v, and the product of v with itself.
struct Layer {
  graph::Graph graph;
  graph::Partition partition;

  Layer(std::int64_t rows, std::int64_t inner, std::int64_t columns) {
    const auto x = graph.add_input("x", graph::ElementType::real, {rows, inner});
    std::vector<graph::ValueId> made;
    for (const auto* name : {"q", "k", "v"})
      made.push_back(graph.add_node(
          "aten::linear", {x, graph.add_parameter(name, {columns, inner})}, {rows, columns}, name));
    const auto turned = graph.add_node("aten::t", {made[1]}, {columns, rows}, "qk");
    graph.outputs = {graph.add_node("aten::matmul", {made[0], turned}, {rows, rows}, "qk"),
                     graph.add_node("aten::silu", {made[2]}, {rows, columns}, "silu")};
    partition = graph::partition(graph, {.rule = graph::PartitionRule::single}, 4);
  }

  Run run(const Description& description, const std::vector<format::Format>& all) const {
    return {description, graph, partition.ops, all};
  }

  graph::Subgraph all() const { return {.ops = {{0}, {1}, {2}, {3}}}; }
};

// Of a formula that was written in Python before this one was:
// max(2·M·K·N / (rate · reached · fill), weights / memory + activations / cache) + launch.
struct Known {
  const char* device;
  Fusion fusion;
  std::int64_t rows, inner, columns;
  FormatId format;
  double seconds;
};

TEST(OpSeconds, AreThoseOfAnIndependentFormula) {
  const Known table[] = {
      {"gaudi2", Fusion::none, 1024, 4096, 14336, high_format, 0.00029228329197721975},
      {"gaudi2", Fusion::none, 1024, 4096, 14336, gaudi, 0.00015057889330629786},
      {"gaudi2", Fusion::none, 128, 4096, 4096, high_format, 2.552023514122998e-05},
      {"gaudi2", Fusion::none, 128, 4096, 4096, gaudi, 1.5398492379021277e-05},
      {"gaudi2", Fusion::graph, 100, 4096, 1000, high_format, 6.130058785307496e-06},
      {"gaudi2", Fusion::graph, 100, 4096, 1000, gaudi, 3.599623094755319e-06},
      {"h100", Fusion::none, 1024, 4096, 14336, high_format, 0.00015536673431776582},
      {"h100", Fusion::none, 1024, 4096, 14336, ocp, 8.970888852556926e-05},
      {"h100", Fusion::graph, 128, 4096, 4096, high_format, 1.2310465206090757e-05},
      {"h100", Fusion::graph, 128, 4096, 4096, ocp, 6.650557693954471e-06},
      {"h100", Fusion::graph, 128, 4096, 4096, int8, 6.650557693954471e-06},
      {"h100", Fusion::none, 100, 4096, 1000, high_format, 6.9023903512739334e-06},
  };
  const auto all = formats();
  for (const auto& [device, fusion, rows, inner, columns, format, seconds] : table) {
    const Layer layer(rows, inner, columns);
    EXPECT_NEAR(op_seconds(layer.run(shipped(device), all), fusion, {0}, format), seconds,
                1e-12 * seconds)
        << device << " " << rows << " " << all[format.index].name;
  }
}

TEST(CastSeconds, AreThoseOfAnIndependentFormula) {
  const auto all = formats();
  const Layer layer(1024, 4096, 64);
  const auto device = shipped("gaudi2");
  const auto run = layer.run(device, all);
  EXPECT_NEAR(cast_seconds(run, Fusion::none, 1024 * 4096, gaudi), 6.921055267175573e-06, 1e-17);
  EXPECT_NEAR(cast_seconds(run, Fusion::graph, 1024 * 4096, gaudi), 7.626007272727272e-07, 1e-18);
}

TEST(CastSeconds, CountTheSearchForAMaximumOfDynamicScales) {
  auto all = formats();
  const Layer layer(128, 128, 128);
  const auto still = cast_seconds(layer.run(shipped("gaudi2"), all), Fusion::none, 1000, gaudi);
  all[gaudi.index].activation->scale = format::ScaleRule::dynamic_max;
  EXPECT_GT(cast_seconds(layer.run(shipped("gaudi2"), all), Fusion::none, 1000, gaudi), still);
}

TEST(SubgraphSeconds, CountACastThatOpsShareOnce) {
  const auto all = formats();
  const Layer layer(256, 512, 512);
  const auto device = shipped("gaudi2");
  const auto run = layer.run(device, all);
  for (const auto fusion : {Fusion::graph, Fusion::none}) {
    const auto of = [&](const graph::Configuration& configuration) {
      return subgraph_seconds(run, fusion, layer.all(), configuration);
    };
    const double high = of({high_format, high_format, high_format, high_format});
    const double single = high - of({gaudi, high_format, high_format, high_format});
    const double three = high - of({gaudi, gaudi, gaudi, high_format});
    const double cast = cast_seconds(run, fusion, 256 * 512, gaudi);
    EXPECT_NEAR(three, 3 * single + 2 * cast, 1e-12);
    // The product's two operands are values of their own.
    const double product = high - of({high_format, high_format, high_format, gaudi});
    EXPECT_NEAR(high - of({gaudi, gaudi, gaudi, gaudi}), three + product, 1e-12);
  }
}

TEST(ProductOf, KeepsMultiplyAccumulates) {
  const Layer layer(24, 40, 56);
  for (const auto& op : layer.partition.ops) {
    const auto product = product_of(layer.graph, op);
    EXPECT_EQ(product.count * product.rows * product.inner * product.columns, op.run_macs);
  }
  const auto qk = product_of(layer.graph, layer.partition.ops.back());
  EXPECT_EQ(qk.rows, 24);
  EXPECT_EQ(qk.inner, 56);
  EXPECT_EQ(qk.columns, 24);
}

TEST(PassSeconds, AreNoneForViews) {
  const auto all = formats();
  const Layer layer(64, 64, 64);
  const auto device = shipped("h100");
  const auto run = layer.run(device, all);
  for (std::size_t n = 0; n < layer.graph.nodes.size(); ++n) {
    const auto& node = layer.graph.nodes[n];
    const double seconds = pass_seconds(run, Fusion::none, {n});
    EXPECT_TRUE(node.op != "aten::t" || seconds == 0);
    EXPECT_TRUE(node.op != "aten::silu" || seconds > 4e-6);
  }
}

TEST(Convolutions, StayHigh) {
  const auto h100 = shipped("h100");
  EXPECT_TRUE(runs(h100, {.kind = graph::OpKind::linear}, format::by_name("int8")));
  EXPECT_TRUE(runs(h100, {.kind = graph::OpKind::matmul}, format::by_name("int8")));
  EXPECT_FALSE(runs(h100, {.kind = graph::OpKind::convolution}, format::by_name("int8")));
  EXPECT_FALSE(runs(h100, {.kind = graph::OpKind::linear}, format::by_name("fp8_e5m2")));
}

// Whatever makes a device better makes nothing slower, and fusion costs nothing.
TEST(Seconds, FallWithEveryFigure) {
  std::mt19937 random(7);
  const auto all = formats();
  const auto size = [&] { return static_cast<std::int64_t>(16 + random() % 3000); };
  void (*const better[])(Description&) = {
      [](Description& d) { d.rates["bf16"].published *= 1.5; },
      [](Description& d) { d.rates["fp8"].reached *= 1.5; },
      [](Description& d) { d.memory.bandwidth *= 1.5; },
      [](Description& d) { d.cache->bandwidth *= 1.5; },
      [](Description& d) { d.vector_rate *= 1.5; },
      [](Description& d) { d.launch[Fusion::none] *= 0.5; },
      [](Description& d) { d.launch[Fusion::graph] *= 0.5; },
  };
  for (int i = 0; i < 100; ++i) {
    const Layer layer(size(), size(), size());
    const auto plain = shipped(i % 2 == 0 ? "gaudi2" : "h100");
    const auto low = i % 2 == 0 ? gaudi : ocp;
    const graph::Configuration configuration{low, low, low, low};
    const auto before = layer.run(plain, all);
    EXPECT_LE(run_seconds(before, Fusion::graph), run_seconds(before, Fusion::none));
    for (const auto improve : better) {
      auto improved = plain;
      improve(improved);
      const auto after = layer.run(improved, all);
      for (const auto fusion : {Fusion::graph, Fusion::none}) {
        EXPECT_LE(run_seconds(after, fusion), run_seconds(before, fusion));
        EXPECT_LE(subgraph_seconds(after, fusion, layer.all(), configuration),
                  subgraph_seconds(before, fusion, layer.all(), configuration));
      }
    }
  }
}

}  // namespace
}  // namespace gainsweep::roofline
