// The lowered program against exact integer arithmetic and against fake-quantised numerics.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "fixture.hpp"
#include "lower/pass.hpp"
#include "unit/lower/toy_target.hpp"

namespace gainsweep::execute {
namespace {

using fixture::inputs_of;
using graph::ElementType;
using graph::Graph;

constexpr std::int64_t tokens = 24;
constexpr std::int64_t inputs_n = 96;
constexpr std::int64_t outputs_n = 160;

const fixture::StoredModel& stored() {
  static const fixture::StoredModel model(
      {{"b", {{outputs_n}, fixture::numbers(outputs_n, 2)}},
       {"w", {{outputs_n, inputs_n}, fixture::numbers(outputs_n * inputs_n, 1)}}});
  return model;
}

Graph linear_graph(bool bias) {
  Graph graph;
  graph.name = "linear";
  const auto x = graph.add_input("x", ElementType::real, {2, tokens, inputs_n});
  std::vector<graph::Argument> arguments{x, graph.add_parameter("w", {outputs_n, inputs_n})};
  if (bias) arguments.emplace_back(graph.add_parameter("b", {outputs_n}));
  graph.outputs = {graph.add_node("aten::linear", arguments, {2, tokens, outputs_n}, "layer")};
  return graph;
}

struct Case {
  bool bias = false;
  bool dynamic = false;
  bool per_channel = true;
  std::string format = "int8";
  std::string range = "max";
};

std::vector<format::Format> formats_of(const Case& which) {
  auto low = format::by_name(which.format);
  low.activation->scale =
      which.dynamic ? format::ScaleRule::dynamic_max : format::ScaleRule::static_max;
  low.weight.granularity =
      which.per_channel ? format::Granularity::channel : format::Granularity::tensor;
  low.weight.range = which.range;
  return {format::by_name("bf16"), low};
}

at::Tensor activation() {
  return at::tensor(fixture::numbers(2 * tokens * inputs_n, 7)).view({2, tokens, inputs_n}) * 3;
}

at::Tensor run(const Graph& graph, execute::Precision precision, const at::Tensor& x) {
  auto parameters = stored().parameters(precision);
  Program program(graph, parameters);
  const auto out = program.run(inputs_of({x.to(to_scalar_type(precision))}));
  return at::tensor(out, at::kDouble).view({2, tokens, outputs_n});
}

class LoweredLinear : public ::testing::TestWithParam<Case> {};
using LoweredLinearOfLargest = LoweredLinear;

TEST_P(LoweredLinear, EqualsFakeQuantisedNumerics) {
  if (!fixture::multiplies_int8_exactly())
    GTEST_SKIP() << "without VNNI oneDNN's int8 kernels saturate 16-bit sums";
  const auto graph = linear_graph(GetParam().bias);
  const auto partition = graph::partition(graph, {}, 2);
  const auto formats = formats_of(GetParam());
  auto stored_parameters = stored().parameters();
  const auto maxima = fixture::with_weights(graph, stored_parameters, {{3.0F, 0.0F}});
  const graph::Assignment low{FormatId{1}};
  const auto real =
      lower::lower(graph, partition, low, formats, maxima, lower::targets().at("onednn"));
  const auto emulated = lower::fake_quantize(graph, partition.ops, low, formats, maxima);
  const auto x = activation();
  const auto worst = [&](execute::Precision precision, const at::Tensor& reference) {
    const auto difference = run(real, precision, x) - reference;
    return difference.abs().max().item<double>() / reference.abs().max().item<double>();
  };
  // In the same precision both take the same codes: what remains is the order of a sum.
  for (const auto& [precision, tolerance] :
       {std::pair{execute::Precision::fp32, 2e-6}, std::pair{execute::Precision::bf16, 0.02}}) {
    EXPECT_LT(worst(precision, run(emulated, precision, x)), tolerance);
  }
  EXPECT_GT(worst(execute::Precision::fp32, run(graph, execute::Precision::fp64, x)), 1e-4)
      << "nothing was quantised";
}

/// Codes and scales multiplied out in 64-bit integers and fp64.
TEST_P(LoweredLinearOfLargest, EqualsExactIntegerArithmetic) {
  if (!fixture::multiplies_int8_exactly())
    GTEST_SKIP() << "without VNNI oneDNN's int8 kernels saturate 16-bit sums";
  const auto graph = linear_graph(GetParam().bias);
  const auto partition = graph::partition(graph, {}, 2);
  const auto real = lower::lower(graph, partition, {FormatId{1}}, formats_of(GetParam()),
                                 {{3.0F, 0.0F}}, lower::targets().at("onednn"));
  const auto x = activation();
  const auto w = at::tensor(fixture::numbers(outputs_n * inputs_n, 1)).view({outputs_n, inputs_n});
  const auto amax_w = GetParam().per_channel ? w.abs().amax(1) : w.abs().max().view({1});
  const auto w_scale = amax_w / 127;
  const float x_scale = GetParam().dynamic ? x.abs().max().item<float>() / 127 : 3.0F / 127;
  const auto w_codes = at::round(w / w_scale.view({-1, 1})).to(at::kLong);
  const auto x_codes = at::round(x / x_scale).to(at::kLong);
  auto exact = x_codes.view({-1, inputs_n}).mm(w_codes.t()).to(at::kDouble) * x_scale *
               w_scale.to(at::kDouble);
  if (GetParam().bias) exact += at::tensor(fixture::numbers(outputs_n, 2)).to(at::kDouble);
  const auto got = run(real, execute::Precision::fp32, x).view({-1, outputs_n});
  // One code of an element on a rounding boundary may differ from torch's division.
  const double size = exact.abs().max().item<double>();
  const auto errors = (got - exact).abs() / size;
  EXPECT_LT(errors.median().item<double>(), 1e-7);
  EXPECT_LT(errors.max().item<double>(), 3e-3);
}

INSTANTIATE_TEST_SUITE_P(Rules, LoweredLinear,
                         ::testing::Values(Case{}, Case{.bias = true}, Case{.dynamic = true},
                                           Case{.bias = true, .dynamic = true},
                                           Case{.per_channel = false}, Case{.range = "mse"},
                                           Case{.format = "uint8"},
                                           Case{.dynamic = true, .format = "uint8"}));
INSTANTIATE_TEST_SUITE_P(Rules, LoweredLinearOfLargest,
                         ::testing::Values(Case{}, Case{.bias = true}, Case{.dynamic = true},
                                           Case{.bias = true, .dynamic = true},
                                           Case{.per_channel = false}));

TEST(LoweredHigh, EqualsThePlainProgram) {
  if (!fixture::processor_has("avx512bw"))
    GTEST_SKIP() << "this processor has no bf16 kernels of linear layers";
  for (const bool bias : {false, true}) {
    const auto graph = linear_graph(bias);
    const auto partition = graph::partition(graph, {}, 2);
    const auto packed = lower::lower(graph, partition, {high_format}, formats_of({}), {},
                                     lower::targets().at("onednn"));
    const auto x = activation();
    const auto plain = run(graph, execute::Precision::fp32, x);
    EXPECT_LT((run(packed, execute::Precision::fp32, x) - plain).abs().max().item<double>(), 1e-4);
    const auto plain_bf16 = run(graph, execute::Precision::bf16, x);
    EXPECT_LT((run(packed, execute::Precision::bf16, x) - plain_bf16).abs().max().item<double>(),
              0.01 * plain_bf16.abs().max().item<double>());
  }
}

/// A target that a test adds: its graph runs and has the numerics of an emulation.
TEST(LoweredToy, EqualsFakeQuantisedNumerics) {
  Graph graph;
  const auto a = graph.add_input("a", ElementType::real, {tokens, inputs_n});
  const auto b = graph.add_input("b", ElementType::real, {inputs_n, tokens});
  graph.outputs = {graph.add_node("aten::matmul", {a, b}, {tokens, tokens}, "product")};
  const auto partition = graph::partition(graph, {}, 2);
  const lower::Maxima maxima{{1.0F, 0.7F}};
  const graph::Assignment low{FormatId{1}};
  const auto formats = formats_of({});
  auto parameters = stored().parameters();
  Program real(lower::lower(graph, partition, low, formats, maxima, lower::toy_target()),
               parameters);
  Program emulated(lower::fake_quantize(graph, partition.ops, low, formats, maxima), parameters);
  const auto numbers = [](unsigned seed, at::IntArrayRef shape) {
    return at::tensor(fixture::numbers(tokens * inputs_n, seed)).view(shape);
  };
  const auto inputs = [&] {
    return inputs_of({numbers(3, {tokens, inputs_n}), numbers(4, {inputs_n, tokens})});
  };
  const auto found = real.run(inputs()), expected = emulated.run(inputs());
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-5);
}

/// A tied head's packed copy comes beside the embedding's own tensor.
TEST(LoweredTied, KeepsTheEmbeddingBesideThePackedHead) {
  if (!fixture::multiplies_int8_exactly())
    GTEST_SKIP() << "without VNNI oneDNN's int8 kernels saturate 16-bit sums";
  Graph graph;
  graph.name = "tied";
  const auto ids = graph.add_input("tokens", ElementType::index, {1, tokens});
  const auto w = graph.add_parameter("w", {outputs_n, inputs_n});
  const auto x = graph.add_node("aten::embedding", {w, ids}, {1, tokens, inputs_n}, "embed");
  graph.outputs = {graph.add_node("aten::linear", {x, w}, {1, tokens, outputs_n}, "head")};
  const auto partition = graph::partition(graph, {}, 2);
  const auto inputs = inputs_of({at::arange(tokens, at::kLong).view({1, tokens})});
  auto parameters = stored().parameters();
  Program low(lower::lower(graph, partition, {FormatId{1}}, formats_of({}), {{1.0F, 0.0F}},
                           lower::targets().at("onednn")),
              parameters);
  EXPECT_EQ(low.state().bound[w.index].const_data_ptr(),
            stored().checkpoint().tensor("w").bytes.data());
  EXPECT_GE(parameters.bytes_owned(), static_cast<std::size_t>(outputs_n * inputs_n));
  Program plain(graph, parameters);
  const auto a = low.run(inputs);
  const auto b = plain.run(inputs);
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  EXPECT_LT(worst, 0.1);
  EXPECT_GT(worst, 0);
}

}  // namespace
}  // namespace gainsweep::execute
