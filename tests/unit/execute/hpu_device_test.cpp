// The device `hpu` on the simulated card: what is loaded, taken, waited for, computed and noticed.

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "execute/device.hpp"
#include "execute/hpu_settings.hpp"
#include "fixture.hpp"
#include "graph/partition.hpp"
#include "lower/fuse.hpp"
#include "lower/pass.hpp"
#include "lower/target.hpp"
#include "unit/throws.hpp"

namespace gainsweep::execute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

constexpr std::int64_t rows = 24, width = 32;

std::int64_t count(const std::string& what) {
  torch::jit::Stack stack{what};
  c10::Dispatcher::singleton().findSchemaOrThrow("simulated_hpu::count", "").callBoxed(stack);
  return stack[0].toInt();
}

const Device& hpu() {
  return devices().at("hpu");
}

/// softmax(x Wᵀ (x Vᵀ)ᵀ) x Vᵀ: three linear layers of one value, two products.
graph::Graph attention_graph() {
  using graph::ElementType;
  graph::Graph graph;
  graph.name = "attention";
  const auto x = graph.add_input("x", ElementType::real, {rows, width});
  const auto linear = [&](const std::string& name) {
    return graph.add_node("aten::linear", {x, graph.add_parameter(name, {width, width})},
                          {rows, width}, name);
  };
  const auto q = linear("q"), k = linear("k"), v = linear("v");
  const auto turned = graph.add_node("aten::transpose.int", {k, std::int64_t{0}, std::int64_t{1}},
                                     {width, rows}, "turned");
  const auto scores = graph.add_node("aten::matmul", {q, turned}, {rows, rows}, "qk");
  const auto weights =
      graph.add_node("aten::softmax.int", {scores, std::int64_t{-1}}, {rows, rows}, "softmax");
  graph.outputs = {graph.add_node("aten::matmul", {weights, v}, {rows, width}, "av")};
  return graph;
}

const fixture::StoredModel& stored() {
  const auto weight = [](unsigned seed) {
    return fixture::Stored{{width, width}, fixture::numbers(width * width, seed)};
  };
  static const fixture::StoredModel model({{"q", weight(1)}, {"k", weight(2)}, {"v", weight(3)}});
  return model;
}

Inputs inputs(at::Device place) {
  return fixture::inputs_of(
      {at::tensor(fixture::numbers(rows * width, 7)).view({rows, width}).to(place)});
}

/// Two cards, of which the second is taken; everything runs on it from then on.
class HpuDevice : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (std::getenv("SIMULATED_HPU_WITHOUT_HOOKS") != nullptr) return;
    setenv("HABANA_VISIBLE_MODULES", "4,6", 1);
    const std::string mode = std::getenv("HPU_MODE");
    drive_hpu({.plugin = SIMULATED_HPU, .mode = mode == "eager" ? HpuMode::eager : HpuMode::lazy});
    start(hpu(), 1, 1);
  }
  void SetUp() override {
    if (std::getenv("SIMULATED_HPU_WITHOUT_HOOKS") != nullptr) GTEST_SKIP() << "of another test";
  }
};

TEST_F(HpuDevice, TakesACardByItsModule) {
  EXPECT_THAT(hpu().visible(), ElementsAre("6")) << "what was taken, from then on";
  at::ones({2}, to_place(hpu()));
  EXPECT_EQ(count("module"), 6);
  EXPECT_EQ(count("lazy"), std::string(std::getenv("HPU_MODE")) == "lazy" ? 1 : 0);
  EXPECT_THAT(hpu().notes().at(0), HasSubstr("hpu module 6 (HPU)"));
}

TEST_F(HpuDevice, IsKnownByItsPluginAndMode) {
  EXPECT_THAT(parts(hpu().identity()), ElementsAre(Key("card"), Key("software"), Key("mode")));
  const auto identity = hpu().identity();
  EXPECT_THAT(identity.software, testing::MatchesRegex("libsimulated_hpu\\.so [0-9a-f]{16}.*"));
  EXPECT_EQ(identity.mode, std::string(std::getenv("HPU_MODE")) + ", on the host: none");
}

TEST_F(HpuDevice, ComputesWhatTheCpuComputes) {
  auto here = stored().parameters();
  Parameters there(stored().model(), hpu(), Precision::fp32);
  const auto expected = Program(attention_graph(), here).run(inputs(at::kCPU));
  const auto got = Program(attention_graph(), there).run(inputs(to_place(hpu())));
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-5) << i;
  EXPECT_EQ(count("host_fallbacks"), 0);
}

TEST_F(HpuDevice, TimesEndWithTheCardsWork) {
  Parameters there(stored().model(), hpu(), Precision::fp32);
  Program program(attention_graph(), there);
  program.time(inputs(to_place(hpu())));
  EXPECT_EQ(count("busy"), 0);
}

TEST_F(HpuDevice, DeviceThatForgetsToWaitIsSeenBusy) {
  auto forgetful = hpu();
  forgetful.record = [] { return Event{[] {}}; };
  Parameters there(stored().model(), forgetful, Precision::fp32);
  Program program(attention_graph(), there);
  const auto given = inputs(to_place(hpu()));
  for (int run = 0; run < 5; ++run) program.time(given);
  EXPECT_EQ(count("busy"), 1);
  hpu().record().wait();
}

TEST_F(HpuDevice, FirstRunCompilesAndIsCounted) {
  Parameters there(stored().model(), hpu(), Precision::bf16);
  Program program(attention_graph(), there);
  const auto given = inputs(to_place(hpu()));
  program.time(given);
  const auto warm = hpu().compilations();
  EXPECT_EQ(warm, count("compilations")) << "what the recipes' folder tells is what was compiled";
  program.time(given);
  EXPECT_EQ(hpu().compilations(), warm);
}

TEST_F(HpuDevice, NothingRunsOnTheHostInSilence) {
  graph::Graph graph;
  graph.name = "host";
  const auto x = graph.add_input("x", graph::ElementType::real, {rows, width});
  graph.outputs = {graph.add_node("aten::erfinv", {x}, {rows, width}, "layer")};
  Parameters there(stored().model(), hpu(), Precision::fp32);
  Program program(graph, there);
  EXPECT_THAT(
      fixture::message_of(ErrorKind::internal, [&] { program.run(inputs(to_place(hpu()))); }),
      HasSubstr("has no kernel on the device and PT_HPU_PLACE_ON_CPU forbids the host's"));
}

class LoweredToGaudi2 : public HpuDevice {
 protected:
  const graph::Graph graph_ = attention_graph();
  const std::vector<format::Format> formats_{format::by_name("bf16"),
                                             format::by_name("fp8_e4m3_gaudi2")};
  const graph::Partition partition_ = graph::partition(graph_, {}, 2);
  /// Of operands by op: x and weights, q and k, attention weights and v.
  const lower::Maxima maxima_{{1, 1}, {1, 1}, {1, 1}, {8, 8}, {1, 8}};

  graph::Graph lowered(const graph::Assignment& assignment) const {
    return lower::lower(graph_, partition_, assignment, formats_, maxima_,
                        lower::targets().at("gaudi2"));
  }
};

TEST_F(LoweredToGaudi2, EqualsFakeQuantisedNumericsOfEveryConfiguration) {
  ASSERT_EQ(partition_.ops.size(), 5U);
  auto here = stored().parameters();
  Parameters there(stored().model(), hpu(), Precision::fp32);
  for (std::size_t mask = 0; mask < 32; ++mask) {
    graph::Assignment assignment;
    for (std::size_t op = 0; op < 5; ++op) assignment.push_back({mask >> op & 1});
    const auto got = Program(lowered(assignment), there).run(inputs(to_place(hpu())));
    const auto expected =
        Program(lower::fake_quantize(graph_, partition_.ops, assignment, formats_, maxima_), here)
            .run(inputs(at::kCPU));
    // Operands are equal to the bit at the first ops; sums differ in order, so few codes of later
    // ones differ by a step.
    const double tolerance = mask == 0 ? 1e-5 : 0.1;
    double largest = 0, mean = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      largest = std::max(largest, std::abs(got[i] - expected[i]));
      mean += std::abs(got[i] - expected[i]) / static_cast<double>(got.size());
    }
    EXPECT_LE(largest, tolerance) << mask;
    EXPECT_LE(mean, 1e-3) << mask;
  }
  EXPECT_EQ(count("host_fallbacks"), 0);
  EXPECT_EQ(count("unwaited_reads"), 0);
}

TEST_F(LoweredToGaudi2, FusedLayersAreOneProductOfTheNumbersThatArePredicted) {
  const auto fused = graph::partition(graph_, {.fused = graph::FusedLayers::qkv}, 2);
  ASSERT_EQ(fused.subgraphs[0].fused.size(), 1U) << "q, k and v";
  auto here = stored().parameters();
  Parameters there(stored().model(), hpu(), Precision::fp32);
  auto maxima = fixture::with_weights(graph_, here, maxima_);
  lower::join_weights(maxima, fused);
  for (std::size_t mask = 0; mask < 8; ++mask) {
    const FormatId layers{mask & 1};
    const graph::Assignment assignment{layers, layers, layers, {mask >> 1 & 1}, {mask >> 2 & 1}};
    const auto program =
        lower::lower(graph_, fused, assignment, formats_, maxima, lower::targets().at("gaudi2"));
    const auto products =
        std::count_if(program.nodes.begin(), program.nodes.end(), [](const auto& node) {
          return node.op.ends_with("linear") || node.op.ends_with("matmul") ||
                 node.op == "hpu::fp8_gemm_v2.scalar";
        });
    EXPECT_EQ(products, 3) << "one, qk and av";
    const auto got = Program(program, there).run(inputs(to_place(hpu())));
    const auto expected =
        Program(lower::fake_quantize(graph_, fused.ops, assignment, formats_, maxima), here)
            .run(inputs(at::kCPU));
    double mean = 0;
    for (std::size_t i = 0; i < got.size(); ++i)
      mean += std::abs(got[i] - expected[i]) / static_cast<double>(got.size());
    EXPECT_LE(mean, mask == 0 ? 1e-5 : 1e-3) << mask;
  }
  EXPECT_EQ(count("host_fallbacks"), 0);
}

TEST_F(LoweredToGaudi2, SharesACastInsideASubgraph) {
  ASSERT_EQ(partition_.subgraphs.size(), 1U) << "q, k, v, qk and av";
  const auto all = lowered(graph::Assignment(5, FormatId{1}));
  const auto casts = std::count_if(all.nodes.begin(), all.nodes.end(), [](const auto& node) {
    return node.op == "hpu::cast_to_fp8_v2.scalar";
  });
  EXPECT_EQ(casts, 5) << "x once, both operands of qk, both of av";
}

TEST_F(LoweredToGaudi2, ScalesOfProductsAreNumbersOfTheGraph) {
  const auto before = count("copies_to_host");
  Parameters there(stored().model(), hpu(), Precision::fp32);
  Program program(lowered(graph::Assignment(5, FormatId{1})), there);
  const auto given = inputs(to_place(hpu()));
  program.time(given);
  const auto made = count("copies_to_host");
  EXPECT_GT(made, before) << "weights are rounded on the host";
  program.time(given);
  EXPECT_EQ(count("copies_to_host"), made) << "a run reads nothing back";
}

// In a process of its own: hooks are looked up once.
TEST(HpuPlugin, WithoutHooksIsRefused) {
  if (std::getenv("SIMULATED_HPU_WITHOUT_HOOKS") == nullptr) GTEST_SKIP() << "of another process";
  drive_hpu({.plugin = SIMULATED_HPU});
  EXPECT_ERROR(start(hpu(), 1), ErrorKind::environment,
               "lacks hooks (HPUHooks), without which nothing has a gradient. ");
}

}  // namespace
}  // namespace gainsweep::execute
