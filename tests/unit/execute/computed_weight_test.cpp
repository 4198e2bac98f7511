// Weights that programs compute from parameters: every number is that of the same weight stored.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "execute/probe.hpp"
#include "execute/probe_elements.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"

namespace gainsweep::execute {
namespace {

using graph::ElementType;
using graph::Graph;
using graph::ValueId;

constexpr std::int64_t rows = 24, inputs_n = 96, outputs_n = 64;

at::Tensor base() {
  return at::tensor(fixture::numbers(outputs_n * inputs_n, 1)).view({outputs_n, inputs_n});
}

/// 1 + row/7, a number that products with fp32 weights round.
at::Tensor factor() {
  return at::arange(outputs_n, at::kDouble).view({outputs_n, 1}).to(at::kFloat) / 7 + 1;
}

fixture::Stored stored(const at::Tensor& tensor) {
  const auto filled = tensor.contiguous();
  const auto* data = filled.const_data_ptr<float>();
  return {tensor.sizes().vec(), {data, data + filled.numel()}};
}

const fixture::StoredModel& model() {
  static const fixture::StoredModel model({{"base", stored(base())},
                                           {"transposed", stored(base().t())},
                                           {"scaled", stored(base() * factor())},
                                           {"fused", stored(at::cat({base() * 2, base()}))}});
  return model;
}

/// The mean square of x·wᵀ, of a weight that `make` adds.
template <class Make>
Graph layer(const Make& make) {
  Graph graph;
  const auto x = graph.add_input("x", ElementType::real, {rows, inputs_n});
  const ValueId w = make(graph);
  const auto y = graph.add_node("aten::linear", {x, w}, {rows, outputs_n}, "layer");
  const auto square = graph.add_node("aten::mul.Tensor", {y, y}, {rows, outputs_n}, "square");
  graph.outputs = {graph.add_node("aten::mean", {square, std::monostate{}}, {}, "loss"), y};
  return graph;
}

Graph of(const std::string& parameter) {
  return layer([&](Graph& graph) { return graph.add_parameter(parameter, {outputs_n, inputs_n}); });
}

struct Case {
  const char* name;
  Graph computed;
  Graph stored;
};

std::vector<Case> cases() {
  const graph::Shape shape{outputs_n, inputs_n};
  std::vector<double> factors;
  for (std::int64_t i = 0; i < outputs_n; ++i) factors.push_back(factor()[i][0].item<double>());
  return {{"transposed", layer([&](Graph& graph) {
             return graph.add_node(
                 "aten::t", {graph.add_parameter("transposed", {inputs_n, outputs_n})}, shape, "t");
           }),
           of("base")},
          {"scaled", layer([&](Graph& graph) {
             const auto constant = graph.add_constant("factor", {outputs_n, 1}, factors);
             return graph.add_node("aten::mul.Tensor",
                                   {graph.add_parameter("base", shape), constant}, shape, "scaled");
           }),
           of("scaled")},
          {"rows", layer([&](Graph& graph) {
             const auto fused = graph.add_parameter("fused", {2 * outputs_n, inputs_n});
             return graph.add_node("aten::slice.Tensor",
                                   {fused, std::int64_t{0}, outputs_n, 2 * outputs_n}, shape,
                                   "rows");
           }),
           of("base")}};
}

Inputs activation() {
  return fixture::inputs_of({at::tensor(fixture::numbers(rows * inputs_n, 7)).view({rows, -1})});
}

const lower::Maxima maxima{{1.0F, 0}};

std::vector<format::Format> formats() {
  return {format::by_name("bf16"), format::by_name("int8"), format::by_name("fp8_e4m3")};
}

void expect_close(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(b[i]));
    worst = std::max(worst, std::abs(a[i] - b[i]));
  }
  EXPECT_LE(worst, tolerance * largest);
}

ProbeRecord probed(const Graph& graph) {
  const auto ops = graph::quantizable_ops(graph);
  const auto known = formats();
  auto parameters = model().parameters();
  Prober prober(lower::probe(graph, ops), ops, parameters, {known.begin() + 1, known.end()},
                fixture::with_weights(graph, parameters, maxima));
  return prober.probe(activation());
}

// Products with a transposed matrix add up in another order, so rounding may differ there.
TEST(ComputedWeight, IsProbedAsIfItWereStored) {
  for (const auto& [name, computed, stored] : cases()) {
    SCOPED_TRACE(name);
    const auto got = probed(computed), wanted = probed(stored);
    EXPECT_NEAR(got.loss, wanted.loss, 1e-6 * wanted.loss);
    for (std::size_t k = 0; k < 2; ++k) {
      const auto &a = got.operands[0][k], &b = wanted.operands[0][k];
      EXPECT_NEAR(a.sensitivity, b.sensitivity, 1e-6 * b.sensitivity) << k;
      expect_close(a.signed_error, b.signed_error, 1e-4);
      expect_close(a.square_error, b.square_error, 1e-5);
      expect_close(a.step_norm, b.step_norm, 1e-5);
    }
  }
}

TEST(ComputedWeight, RoundsToTheBitsOfAStoredOne) {
  for (const auto& [name, computed, stored] : cases()) {
    for (const FormatId format : {FormatId{1}, FormatId{2}}) {
      SCOPED_TRACE(name);
      const auto weight = [&](const Graph& graph) {
        auto parameters = model().parameters();
        auto rounded =
            lower::fake_quantize(graph, graph::quantizable_ops(graph), {format}, formats(),
                                 fixture::with_weights(graph, parameters, maxima));
        for (const auto& node : rounded.nodes)
          if (node.op == "aten::linear")
            rounded.outputs = {std::get<graph::ValueId>(node.arguments[1])};
        return Program(rounded, parameters).run(activation());
      };
      EXPECT_EQ(weight(computed), weight(stored));
    }
  }
}

TEST(ComputedWeight, RunsLoweredAsAStoredOne) {
  for (const auto& [name, computed, stored] : cases()) {
    for (const FormatId format : {high_format, FormatId{1}}) {
      SCOPED_TRACE(name);
      const auto result = [&](const Graph& graph) {
        auto parameters = model().parameters();
        Program program(lower::lower(graph, graph::partition(graph, {}, 3), {format}, formats(),
                                     maxima, lower::targets().at("onednn")),
                        parameters);
        return program.run(activation(), 1);
      };
      expect_close(result(computed), result(stored), 1e-6);
    }
  }
}

// Channel by channel, and rounding at these magnitudes is what fake quantisation does.
TEST(ComputedWeight, IsMeasuredAsItIsRounded) {
  for (const auto& [name, computed, stored] : cases()) {
    SCOPED_TRACE(name);
    const auto ops = graph::quantizable_ops(computed);
    auto parameters = model().parameters();
    Program program(lower::weight_maxima(computed, ops), parameters);
    ASSERT_EQ(program.graph().outputs.size(), 1U);
    const auto found = program.run(fixture::inputs_of({}));
    const auto weight = std::string(name) == "scaled" ? base() * factor() : base();
    const auto expected = largest_magnitude_of_rows(weight);
    EXPECT_EQ(found, std::vector<double>(expected.begin(), expected.end()));

    Program cut(lower::weight_maxima(computed, ops, 1), parameters);
    ASSERT_EQ(cut.graph().outputs.size(), expected.size()) << "a row at a time";
    for (std::size_t row = 0; row < expected.size(); ++row)
      EXPECT_EQ(cut.run(fixture::inputs_of({}), row), std::vector<double>{expected[row]});
  }
}

TEST(ComputedWeight, IsNotObserved) {
  const auto graph = cases().front().computed;
  const auto ops = graph::quantizable_ops(graph);
  ASSERT_EQ(ops.at(0).operands[1].role, graph::OperandRole::weight);
  auto parameters = model().parameters();
  Program program(lower::observe(graph, ops), parameters);
  const auto seen = observe(program, activation(), ops);
  EXPECT_GT(seen[0][0], 0);
  EXPECT_EQ(seen[0][1], 0) << "a weight was observed as an activation";
}

}  // namespace
}  // namespace gainsweep::execute
