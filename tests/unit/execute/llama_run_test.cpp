// Whole models: the interpreter against losses computed independently in float64.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fixture.hpp"
#include "lower/pass.hpp"

namespace gainsweep::execute {
namespace {

constexpr std::int64_t length = 64;
/// `g` of the development data's reference_scores.json.
constexpr double reference_losses[] = {1.47101848658, 1.77560662911, 1.31794847303, 1.4690060356};

class LlamaRun : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto folder = fixture::development_data() / "stories260K";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no development data at " << folder;
    model_.emplace(model::open(folder / "hf"));
    tokens_ = fixture::read_tokens(folder / "tokens_u16.npy", 4 * length + 1);
    graph_ = model_->build({.batch = 1, .length = length, .outputs = {model::Output::mean_loss}});
  }

  double loss(Program& program, std::size_t sample) const {
    return program.run(inputs(sample)).front();
  }

  Inputs inputs(std::size_t sample) const {
    return make_inputs(graph_, fixture::window(tokens_, sample, length), model_->inputs,
                       devices().at("cpu"));
  }

  std::optional<model::Model> model_;
  std::vector<std::int64_t> tokens_;
  graph::Graph graph_;
};

TEST_F(LlamaRun, AgreesWithReferenceLosses) {
  const std::pair<Precision, double> tolerances[] = {
      {Precision::fp64, 1e-10}, {Precision::fp32, 2e-6}, {Precision::bf16, 2e-2}};
  for (const auto& [precision, tolerance] : tolerances) {
    Parameters parameters(*model_, devices().at("cpu"), precision);
    Program program(graph_, parameters);
    for (std::size_t sample = 0; sample < 4; ++sample) {
      EXPECT_NEAR(loss(program, sample) / reference_losses[sample], 1, tolerance)
          << "tolerance " << tolerance << ", sample " << sample;
    }
  }
}

/// The real int8 program of each linear layer against the emulated one. In fp32 both take the same
/// codes; a sum in another order moves single values across a rounding boundary, which one layer
/// shows as a small difference and forty-six in a row need not.
TEST_F(LlamaRun, RunsInt8AsFakeQuantisationPredicts) {
  if (!fixture::multiplies_int8_exactly())
    GTEST_SKIP() << "without VNNI oneDNN's int8 kernels saturate 16-bit sums";
  auto int8 = format::by_name("int8");
  int8.activation->scale = format::ScaleRule::dynamic_max;
  const std::vector<format::Format> formats{format::by_name("bf16"), int8};
  const auto partition = graph::partition(graph_, {}, 2);
  const auto& target = lower::targets().at("onednn");
  Parameters parameters(*model_, devices().at("cpu"), Precision::fp32);
  std::vector<double> differences;
  for (std::size_t op = 0; op < partition.ops.size(); ++op) {
    if (partition.ops[op].kind != graph::OpKind::linear) continue;
    graph::Assignment assignment(partition.ops.size());
    assignment[op] = FormatId{1};
    Program real(lower::lower(graph_, partition, assignment, formats, {}, target), parameters);
    Program emulated(lower::fake_quantize(graph_, partition.ops, assignment, formats, {}),
                     parameters);
    differences.push_back(std::abs(loss(real, op % 4) - loss(emulated, op % 4)));
  }
  ASSERT_EQ(differences.size(), 36U);
  std::sort(differences.begin(), differences.end());
  EXPECT_LT(differences[differences.size() / 2], 1e-6) << "lowering one layer moves the loss 1e-3";
  EXPECT_LT(differences.back(), 2e-4);
}

/// The shipped model's outputs against each other and against logits by another way.
TEST(DecoderOutputs, AgreeWithEachOther) {
  const std::int64_t tokens = 9;
  const auto model = model::open(GAINSWEEP_SOURCE_DIR "/configs/models/embedded");
  const auto graph =
      model.build({.length = tokens,
                   .outputs = {model::Output::target_log_likelihoods, model::Output::mean_loss,
                               model::Output::class_scores}});
  const std::vector<std::int64_t> ids{5, 1, 7, 30, 2, 2, 11, 40, 3, 8};
  Parameters parameters(model, devices().at("cpu"), Precision::fp64);
  Program program(graph, parameters);
  const auto inputs =
      make_inputs(graph, fixture::window(ids, 0, tokens), model.inputs, devices().at("cpu"));
  const auto likelihoods = at::tensor(program.run(inputs, 0), at::kDouble);
  const auto scores = at::tensor(program.run(inputs, 2), at::kDouble).view({tokens, -1});
  const auto labels = at::tensor(ids, at::kLong).slice(0, 1).unsqueeze(1);
  const auto expected =
      (scores - scores.exp().sum(1, /*keepdim=*/true).log()).gather(1, labels).squeeze(1);
  EXPECT_LT((likelihoods - expected).abs().max().item<double>(), 1e-12);
  EXPECT_LT(likelihoods.max().item<double>(), 0);
  EXPECT_NEAR(program.run(inputs, 1).at(0), -likelihoods.mean().item<double>(), 1e-12);
}

}  // namespace
}  // namespace gainsweep::execute
