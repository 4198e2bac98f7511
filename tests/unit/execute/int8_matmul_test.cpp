// Products of two activations in 8 bit against exact integers and against fake-quantised numerics.

#include "execute/int8_matmul.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "execute/device.hpp"
#include "execute/operators.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"
#include "unit/throws.hpp"

namespace gainsweep::execute {
namespace {

at::Tensor codes(at::IntArrayRef sizes, std::int64_t seed) {
  at::manual_seed(seed);
  return at::randint(-127, 128, sizes, at::kChar);
}

at::Tensor scale(float value) {
  return at::full({1}, value, at::kFloat);
}

TEST(Int8Matmul, MultipliesSignedCodesExactly) {
  for (const auto& lead : std::vector<std::vector<std::int64_t>>{{}, {3}, {2, 3}}) {
    auto a_sizes = lead, b_sizes = lead;
    a_sizes.insert(a_sizes.end(), {5, 33});
    b_sizes.insert(b_sizes.end(), {33, 7});
    const auto a = codes(a_sizes, 1), b = codes(b_sizes, 2);
    const auto got =
        int8_matmul(a.view(at::kByte), scale(0.5F), b.view(at::kByte), scale(0.25F), at::kDouble);
    const auto exact = a.to(at::kDouble).matmul(b.to(at::kDouble)) * 0.125;
    EXPECT_EQ(got.sizes(), exact.sizes());
    EXPECT_TRUE(got.equal(exact)) << lead.size() << " leading sizes";
  }
}

TEST(Int8Matmul, TakesTransposedOperandsAndGivesTheHighType) {
  const auto a = codes({2, 4, 16}, 1), b = codes({2, 6, 16}, 2);
  const auto got = int8_matmul(a.view(at::kByte), scale(1), b.view(at::kByte).transpose(1, 2),
                               scale(1), at::kBFloat16);
  const auto exact = a.to(at::kDouble).matmul(b.to(at::kDouble).transpose(1, 2));
  EXPECT_EQ(got.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(got.equal(exact.to(at::kBFloat16)));
}

TEST(Int8Matmul, RefusesOperandsThatDoNotFit) {
  const auto a = codes({2, 4, 16}, 1).view(at::kByte);
  for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{2, 15, 3}, {3, 16, 3}, {16, 3}})
    EXPECT_THROW(int8_matmul(a, scale(1), codes(sizes, 2).view(at::kByte), scale(1), at::kFloat),
                 c10::Error);
}

/// softmax(q k) v of several heads, one matrix product after the other.
graph::Graph attention(const std::vector<std::int64_t>& lead) {
  const auto of = [&](std::int64_t rows, std::int64_t columns) {
    auto shape = lead;
    shape.insert(shape.end(), {rows, columns});
    return shape;
  };
  graph::Graph graph;
  const auto q = graph.add_input("q", graph::ElementType::real, of(24, 16));
  const auto k = graph.add_input("k", graph::ElementType::real, of(16, 24));
  const auto v = graph.add_input("v", graph::ElementType::real, of(24, 16));
  const auto qk = graph.add_node("aten::matmul", {q, k}, of(24, 24), "qk");
  const auto weights =
      graph.add_node("aten::softmax.int", {qk, std::int64_t{-1}}, of(24, 24), "softmax");
  graph.outputs = {graph.add_node("aten::matmul", {weights, v}, of(24, 16), "av")};
  return graph;
}

TEST(Int8Matmul, OfALoweredAttentionEqualsFakeQuantisedNumerics) {
  const std::vector<std::int64_t> lead{2, 3};
  const auto graph = attention(lead);
  const auto partition = graph::partition(graph, {}, 2);
  const auto input = [&](std::int64_t rows, std::int64_t columns, std::int64_t seed) {
    const auto numbers = fixture::numbers(6 * rows * columns, seed);
    return at::tensor(numbers).view({2, 3, rows, columns});
  };
  const auto inputs = fixture::inputs_of({input(24, 16, 1), input(16, 24, 2), input(24, 16, 3)});
  const fixture::StoredModel none({{"unused", {{1}, {0.0F}}}});
  const auto run = [&](const graph::Graph& program) {
    auto parameters = none.parameters(Precision::fp32);
    return at::tensor(Program(program, parameters).run(inputs), at::kDouble);
  };
  const auto high = run(graph);
  for (const bool dynamic : {false, true}) {
    auto int8 = format::by_name("int8");
    int8.activation->scale =
        dynamic ? format::ScaleRule::dynamic_max : format::ScaleRule::static_max;
    const std::vector<format::Format> formats{format::by_name("bf16"), int8};
    const lower::Maxima maxima{{1.0F, 1.0F}, {1.0F, 1.0F}};
    for (const graph::Assignment& low : {graph::Assignment{FormatId{1}, FormatId{1}},
                                         {high_format, FormatId{1}},
                                         {FormatId{1}, high_format}}) {
      const auto real =
          run(lower::lower(graph, partition, low, formats, maxima, lower::targets().at("onednn")));
      const auto emulated = run(lower::fake_quantize(graph, partition.ops, low, formats, maxima));
      EXPECT_LT((real - emulated).abs().max().item<double>(),
                1e-6 * high.abs().max().item<double>())
          << "what remains is the order of a sum";
      EXPECT_GT((real - high).abs().max().item<double>(), 1e-4 * high.abs().max().item<double>())
          << "nothing was quantised";
    }
  }
}

TEST(Int8Matmul, HasAKernelOrIsLackedByName) {
  const auto lacking = devices().at("cpu").lacks(graph::OpKind::matmul, format::by_name("int8"));
  EXPECT_EQ(lacking.empty(), !int8_matmul_kernel().empty());
  if (!lacking.empty()) {
    EXPECT_EQ(lacking,
              "products of two activations in int8 have no fast kernel here (aten::_int_mm runs "
              "none of oneDNN's)");
  }
  EXPECT_EQ(devices().at("cpu").lacks(graph::OpKind::linear, format::by_name("int8")), "");
}

}  // namespace
}  // namespace gainsweep::execute
