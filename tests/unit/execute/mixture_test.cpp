// Mixtures of experts: what is measured of an expert is that of the tokens that chose it.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "execute/probe.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"
#include "unit/model/small_decoder.hpp"

namespace gainsweep::execute {
namespace {

constexpr std::int64_t length = 6;

model::Decoder decoder_of(const model::Mixture& mixture) {
  auto decoder = model::small_decoder();
  decoder.mixture = mixture;
  decoder.mixed = {true};
  return decoder;
}

std::map<std::string, fixture::Stored> random_tensors(const graph::Graph& graph) {
  std::map<std::string, fixture::Stored> tensors;
  for (const auto& value : graph.values) {
    if (value.kind != graph::ValueKind::parameter) continue;
    const auto count = static_cast<std::size_t>(graph::num_elements(value.shape));
    tensors[value.name] = {value.shape,
                           fixture::numbers(count, static_cast<unsigned>(tensors.size()))};
  }
  return tensors;
}

/// A random model of one layer with a mixture.
class Mixed {
 public:
  explicit Mixed(const model::Mixture& mixture)
      : graph(model::build(decoder_of(mixture), {1, length, {model::Output::mean_loss}})),
        ops(graph::quantizable_ops(graph)),
        stored(random_tensors(graph)),
        parameters(stored.parameters()) {}

  Inputs inputs(std::size_t sample = 0) const {
    const std::vector<std::int64_t> ids{3, 41, 8, 17, 17, 29, 5, 46, 0, 11, 22, 30, 2};
    return make_inputs(graph, fixture::window(ids, sample, length), {}, devices().at("cpu"));
  }

  /// What a node makes first, at a path.
  graph::ValueId made(const std::string& op, const std::string& path) const {
    for (const auto& node : graph.nodes)
      if (node.op == op && node.path == path) return node.outputs.front();
    throw std::out_of_range(op + " " + path);
  }

  std::vector<at::Tensor> capture(const std::vector<graph::ValueId>& values) {
    Program program(graph, parameters);
    return program.capture(inputs(), values).state().tensors;
  }

  at::Tensor weight(std::int64_t expert, const std::string& leaf) const {
    return over_file(stored.checkpoint().tensor("model.layers.0.mlp.experts." +
                                                std::to_string(expert) + leaf + ".weight"));
  }

  /// Largest magnitudes of the inputs of an op of an expert.
  static float of(const std::vector<graph::Op>& ops, const lower::Maxima& maxima,
                  const std::string& path) {
    for (std::size_t op = 0; op < ops.size(); ++op)
      if (ops[op].path == path) return maxima[op][0];
    throw std::out_of_range(path);
  }

  graph::Graph graph;
  std::vector<graph::Op> ops;
  fixture::StoredModel stored;
  Parameters parameters;
};

/// Rows of the tokens that chose an expert, by their router's probabilities.
at::Tensor choosing(const at::Tensor& x_TC, const at::Tensor& parts_TE, std::int64_t expert,
                    std::int64_t chosen) {
  std::vector<at::Tensor> rows;
  for (std::int64_t token = 0; token < x_TC.size(0); ++token) {
    const auto own = parts_TE[token][expert];
    if (parts_TE[token].gt(own).sum().item<std::int64_t>() < chosen) rows.push_back(x_TC[token]);
  }
  return rows.empty() ? at::zeros({0, x_TC.size(1)}) : at::stack(rows);
}

float largest(const at::Tensor& x) {
  return x.numel() == 0 ? 0 : x.abs().max().item<float>();
}

TEST(Mixture, MaximaAreThoseOfTheTokensThatChoseTheExpert) {
  Mixed mixed({.experts = 5, .chosen = 2, .intermediate = 12, .normalised = true});
  const std::string path = "layers.0.mlp.";
  const auto tensors = mixed.capture({mixed.made("aten::rms_norm", path + "norm"),
                                      mixed.made("aten::softmax.int", path + "router")});
  const auto x_TC = tensors[0][0], parts_TE = tensors[1][0];
  Program observed(lower::observe(mixed.graph, mixed.ops), mixed.parameters);
  const auto maxima = observe(observed, mixed.inputs(), mixed.ops);
  int smaller = 0;
  for (std::int64_t expert = 0; expert < 5; ++expert) {
    SCOPED_TRACE(expert);
    const auto rows = choosing(x_TC, parts_TE, expert, 2);
    const auto expert_path = path + "experts." + std::to_string(expert);
    const auto found = Mixed::of(mixed.ops, maxima, expert_path + ".gate");
    EXPECT_EQ(found, largest(rows));
    EXPECT_EQ(Mixed::of(mixed.ops, maxima, expert_path + ".up"), found);
    smaller += found < largest(x_TC) ? 1 : 0;
    const auto inside = at::silu(at::linear(rows, mixed.weight(expert, ".gate_proj"))) *
                        at::linear(rows, mixed.weight(expert, ".up_proj"));
    EXPECT_NEAR(Mixed::of(mixed.ops, maxima, expert_path + ".down"), largest(inside), 1e-5);
  }
  EXPECT_GT(smaller, 0) << "otherwise this shows nothing";
}

TEST(Mixture, AnExpertThatNoTokenChoseMeasuresZeros) {
  Mixed mixed({.experts = 9, .chosen = 1, .intermediate = 12});
  Program observed(lower::observe(mixed.graph, mixed.ops), mixed.parameters);
  const auto maxima = observe(observed, mixed.inputs(), mixed.ops);
  Prober prober(lower::probe(mixed.graph, mixed.ops), mixed.ops, mixed.parameters,
                {format::by_name("int8"), format::by_name("fp8_e4m3")},
                fixture::with_weights(mixed.graph, mixed.parameters, maxima));
  const auto record = prober.probe(mixed.inputs());
  EXPECT_TRUE(std::isfinite(record.loss));
  int unreached = 0;
  for (std::size_t op = 0; op < mixed.ops.size(); ++op) {
    if (mixed.ops[op].path.find("experts") == std::string::npos) continue;
    SCOPED_TRACE(mixed.ops[op].path);
    const bool reached = maxima[op][0] > 0;
    unreached += reached ? 0 : 1;
    for (const auto& operand : record.operands[op]) {
      EXPECT_EQ(operand.sensitivity > 0, reached);
      for (const double error : operand.signed_error) EXPECT_EQ(error != 0, reached);
      EXPECT_EQ(operand.step_norm[0] > 0, reached);
    }
  }
  EXPECT_GE(unreached, 3 * 3) << "6 tokens choose at most 6 experts";
}

/// All experts' matrices of some leaves as one tensor.
fixture::Stored fused(const std::map<std::string, fixture::Stored>& tensors,
                      const std::vector<std::string>& leaves, graph::Shape shape) {
  fixture::Stored result{std::move(shape), {}};
  for (const char* expert : {"0", "1", "2"})
    for (const auto& leaf : leaves) {
      const auto& part = tensors.at("model.layers.0.mlp.experts." + (expert + leaf)).elements;
      result.elements.insert(result.elements.end(), part.begin(), part.end());
    }
  return result;
}

ProbeRecord probe(const graph::Graph& graph, Parameters& parameters) {
  const auto ops = graph::quantizable_ops(graph);
  const std::vector<std::int64_t> ids{3, 41, 8, 17, 17, 29, 5};
  Prober prober(lower::probe(graph, ops), ops, parameters, {format::by_name("fp8_e5m2")},
                fixture::with_weights(graph, parameters, lower::Maxima(ops.size(), {1, 1})));
  return prober.probe(make_inputs(graph, fixture::window(ids, 0, length), {}, devices().at("cpu")));
}

TEST(Mixture, FusedExpertsAreTheSameFunctionToTheBit) {
  model::Mixture mixture{.experts = 3, .chosen = 2, .intermediate = 12};
  const model::Workload workload{1, length, {model::Output::mean_loss}};
  const auto apart = model::build(decoder_of(mixture), workload);
  mixture.fused = true;
  const auto together = model::build(decoder_of(mixture), workload);
  auto tensors = random_tensors(apart);
  const auto experts = std::string("model.layers.0.mlp.experts.");
  const auto both = fused(tensors, {".gate_proj.weight", ".up_proj.weight"}, {3, 24, 24});
  const auto down = fused(tensors, {".down_proj.weight"}, {3, 24, 12});
  tensors[experts + "gate_up_proj"] = both;
  tensors[experts + "down_proj"] = down;
  const fixture::StoredModel stored(tensors);
  auto parameters = stored.parameters();
  const auto a = probe(apart, parameters), b = probe(together, parameters);
  EXPECT_EQ(a.loss, b.loss);
  ASSERT_EQ(a.operands.size(), b.operands.size());
  for (std::size_t op = 0; op < a.operands.size(); ++op)
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_EQ(a.operands[op][k].sensitivity, b.operands[op][k].sensitivity);
      EXPECT_EQ(a.operands[op][k].signed_error, b.operands[op][k].signed_error);
    }
}

}  // namespace
}  // namespace gainsweep::execute
