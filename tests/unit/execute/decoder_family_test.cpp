// Families of decoders whose weights are parts of tensors, transposed or less one: scored, rounded
// and lowered. Their configurations are the seeds of the fuzz target, their weights random.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "execute/probe.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"
#include "small_family.hpp"

namespace gainsweep::execute {
namespace {

using small_family::families;
using small_family::graph_of;
using small_family::random_tensors;
using small_family::sample;

bool all_finite(const std::vector<double>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::isfinite(x); });
}

/// A family's model with random weights.
struct Tiny {
  explicit Tiny(const std::string& family) : graph(graph_of(family)) {}

  const graph::Graph graph;
  const std::vector<graph::Op> ops = graph::quantizable_ops(graph);
  const fixture::StoredModel model{random_tensors(graph)};
  mutable Parameters parameters = model.parameters();

  lower::Maxima maxima() const {
    Program observed(lower::observe(graph, ops), parameters);
    return fixture::with_weights(graph, parameters, observe(observed, sample(graph), ops));
  }

  double loss(const graph::Graph& changed) const {
    return Program(changed, parameters).run(sample(graph)).front();
  }

  /// Every op in a format, or every linear layer alone.
  graph::Assignment all_in(FormatId format, bool linear_alone) const {
    graph::Assignment assignment(ops.size(), high_format);
    for (std::size_t op = 0; op < ops.size(); ++op)
      if (!linear_alone || ops[op].kind == graph::OpKind::linear) assignment[op] = format;
    return assignment;
  }
};

std::vector<format::Format> formats() {
  return {format::by_name("bf16"), format::by_name("int8"), format::by_name("fp8_e4m3"),
          format::by_name("fp8_e5m2")};
}

TEST(DecoderFamily, IsScored) {
  const auto known = formats();
  for (const char* family : families) {
    const Tiny tiny(family);
    Prober prober(lower::probe(tiny.graph, tiny.ops), tiny.ops, tiny.parameters,
                  {known.begin() + 1, known.end()}, tiny.maxima());
    const auto record = prober.probe(sample(tiny.graph));
    EXPECT_TRUE(std::isfinite(record.loss));
    for (std::size_t op = 0; op < tiny.ops.size(); ++op) {
      SCOPED_TRACE(std::string(family) + " " + tiny.ops[op].path);
      for (const auto& operand : record.operands.at(op)) {
        EXPECT_GT(operand.sensitivity, 0);
        EXPECT_TRUE(std::isfinite(operand.sensitivity));
        EXPECT_TRUE(all_finite(operand.signed_error) && all_finite(operand.square_error) &&
                    all_finite(operand.step_norm));
      }
    }
  }
}

TEST(DecoderFamily, IsRounded) {
  for (const char* family : families) {
    SCOPED_TRACE(family);
    const Tiny tiny(family);
    const auto exact = tiny.loss(tiny.graph);
    for (const FormatId format : {FormatId{1}, FormatId{2}}) {
      const auto rounded = tiny.loss(lower::fake_quantize(
          tiny.graph, tiny.ops, tiny.all_in(format, false), formats(), tiny.maxima()));
      EXPECT_NE(rounded, exact);
      EXPECT_NEAR(rounded, exact, exact / 2);
    }
  }
}

TEST(DecoderFamily, RunsRealInt8) {
  for (const char* family : families) {
    SCOPED_TRACE(family);
    const Tiny tiny(family);
    const auto exact = tiny.loss(tiny.graph);
    const std::vector<format::Format> known{format::by_name("bf16"), format::by_name("int8")};
    const auto lowered = tiny.loss(lower::lower(tiny.graph, graph::partition(tiny.graph, {}, 2),
                                                tiny.all_in(FormatId{1}, true), known,
                                                tiny.maxima(), lower::targets().at("onednn")));
    EXPECT_TRUE(std::isfinite(lowered));
    EXPECT_NE(lowered, exact);
    // Without VNNI oneDNN's int8 kernels saturate 16-bit sums.
    if (fixture::multiplies_int8_exactly()) {
      EXPECT_NEAR(lowered, exact, exact / 2);
    }
  }
}

}  // namespace
}  // namespace gainsweep::execute
