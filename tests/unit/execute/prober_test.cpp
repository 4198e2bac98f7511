// Whole scoring passes: against independent scores of a trained model, and what is refused.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "execute/probe.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"
#include "model/model.hpp"

namespace gainsweep::execute {
namespace {

using nlohmann::json;

/// The development data's model with its scores, computed independently in float64.
class ReferenceScores : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto folder = fixture::development_data() / "stories260K";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no development data at " << folder;
    std::ifstream(folder / "reference_scores.json") >> reference_;
    model_.emplace(model::open(folder / "hf"));
    const auto num_samples = reference_["g"].size();
    length_ = reference_["T"];
    tokens_ = fixture::read_tokens(folder / "tokens_u16.npy", num_samples * length_ + 1);
    graph_ = model_->build({.batch = 1, .length = length_, .outputs = {model::Output::mean_loss}});
    ops_ = graph::quantizable_ops(graph_);
    ASSERT_EQ(ops_.size(), reference_["ops"].size());
  }

  std::vector<ProbeRecord> score(Precision precision) const {
    std::vector<format::Format> formats;
    for (const char* name : names) {
      formats.push_back(format::by_name(name));
      formats.back().activation->scale = format::ScaleRule::dynamic_max;
    }
    Parameters parameters(*model_, devices().at("cpu"), precision);
    Prober prober(lower::probe(graph_, ops_), ops_, parameters, formats,
                  fixture::with_weights(graph_, parameters));
    std::vector<ProbeRecord> records;
    for (std::size_t i = 0; i < reference_["g"].size(); ++i) {
      const auto sample = fixture::window(tokens_, i, length_);
      records.push_back(
          prober.probe(make_inputs(graph_, sample, model_->inputs, devices().at("cpu"))));
    }
    return records;
  }

  /// |e − reference| of all ops in units of the sample's root mean square over ops.
  std::vector<double> deviations(const ProbeRecord& record, std::size_t sample,
                                 std::size_t format) const {
    const auto expected = reference_["e"][names[format]][sample].get<std::vector<double>>();
    double square = 0;
    for (const double e : expected) square += e * e / static_cast<double>(expected.size());
    std::vector<double> result;
    for (std::size_t op = 0; op < expected.size(); ++op) {
      double e = 0;
      for (const auto& operand : record.operands[op]) e += operand.signed_error[format];
      result.push_back(std::abs(e - expected[op]) / std::sqrt(square));
    }
    return result;
  }

  void expect_losses_and_sensitivities(const std::vector<ProbeRecord>& records,
                                       double tolerance) const {
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_NEAR(records[i].loss / reference_["g"][i].get<double>(), 1, tolerance);
      for (std::size_t op = 0; op < ops_.size(); ++op) {
        for (std::size_t k = 0; k < 2; ++k) {
          const double s = reference_["s"][i][op][k];
          EXPECT_NEAR(records[i].operands[op][k].sensitivity / s, 1, tolerance)
              << "sample " << i << ", " << ops_[op].path << ", operand " << k;
        }
      }
    }
  }

  static constexpr const char* names[] = {"int8", "fp8_e4m3", "fp8_e5m2"};
  json reference_;
  std::optional<model::Model> model_;
  std::int64_t length_ = 0;
  std::vector<std::int64_t> tokens_;
  graph::Graph graph_;
  std::vector<graph::Op> ops_;
};

TEST_F(ReferenceScores, AgreeInFp64) {
  const auto records = score(Precision::fp64);
  expect_losses_and_sensitivities(records, 1e-6);
  for (std::size_t i = 0; i < records.size(); ++i) {
    for (std::size_t f = 0; f < 3; ++f) {
      const auto all = deviations(records[i], i, f);
      for (std::size_t op = 0; op < all.size(); ++op) {
        EXPECT_LT(all[op], 0.01) << names[f] << ", sample " << i << ", " << ops_[op].path;
      }
    }
  }
}

/// In fp32 single elements cross rounding boundaries.
TEST_F(ReferenceScores, AgreeInFp32) {
  const auto records = score(Precision::fp32);
  expect_losses_and_sensitivities(records, 1e-4);
  for (std::size_t i = 0; i < records.size(); ++i) {
    for (std::size_t f = 0; f < 3; ++f) {
      const auto all = deviations(records[i], i, f);
      const auto close = std::count_if(all.begin(), all.end(), [](double d) { return d < 0.02; });
      EXPECT_GE(static_cast<double>(close), 0.9 * static_cast<double>(all.size()))
          << names[f] << ", sample " << i;
      EXPECT_LT(*std::max_element(all.begin(), all.end()), 0.1) << names[f] << ", sample " << i;
    }
  }
}

/// The same sample twice gives the same bits.
TEST_F(ReferenceScores, AreReproducible) {
  const auto first = score(Precision::fp32);
  const auto second = score(Precision::fp32);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].loss, second[i].loss);
    for (std::size_t op = 0; op < ops_.size(); ++op) {
      EXPECT_EQ(first[i].operands[op][1].signed_error, second[i].operands[op][1].signed_error);
    }
  }
}

/// Two linear layers, `first` and `second`, the root of what comes out, and its mean.
struct SmallGraph {
  graph::Graph graph;
  std::vector<graph::Op> ops;

  SmallGraph() {
    const auto x = graph.add_input("x", graph::ElementType::real, {2, 4});
    const auto y =
        graph.add_node("aten::linear", {x, graph.add_parameter("a", {4, 4})}, {2, 4}, "first");
    const auto z =
        graph.add_node("aten::linear", {y, graph.add_parameter("b", {4, 4})}, {2, 4}, "second");
    const auto root = graph.add_node("aten::sqrt", {z}, {2, 4}, "root");
    graph.outputs = {graph.add_node("aten::mean", {root}, {}, "loss")};
    ops = graph::quantizable_ops(graph);
  }
};

constexpr float infinity = std::numeric_limits<float>::infinity();

std::string refusal(const std::vector<float>& a, const std::vector<float>& b) {
  const SmallGraph small;
  const fixture::StoredModel model({{"a", {{4, 4}, a}}, {"b", {{4, 4}, b}}});
  auto parameters = model.parameters();
  auto format = format::by_name("int8");
  format.activation->scale = format::ScaleRule::dynamic_max;
  Prober prober(lower::probe(small.graph, small.ops), small.ops, parameters, {format}, {});
  return fixture::message_of(ErrorKind::input, [&] {
    prober.probe(fixture::inputs_of({at::ones({2, 4})}));
  });
}

TEST(Prober, NamesTheWeightThatIsNotFinite) {
  auto bad = std::vector<float>(16, 1);
  bad[7] = infinity;
  EXPECT_NE(refusal(std::vector<float>(16, 1), bad)
                .find("the loss is not finite: tensor 'b' of model.safetensors holds 1 number that "
                      "is NaN or infinite, at [1, 3]. Fetch the checkpoint again"),
            std::string::npos);
  bad[12] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(refusal(bad, std::vector<float>(16, 1))
                .find("tensor 'a' of model.safetensors holds 2 numbers that are NaN or infinite, "
                      "the first at [1, 3]"),
            std::string::npos);
}

TEST(Prober, NamesTheOpWhereTheLossWentWrong) {
  const auto message = refusal(std::vector<float>(16, 3e38F), std::vector<float>(16, 1));
  EXPECT_NE(message.find("the loss is not finite (the output of first is the first that is not, "
                         "and all weights are finite). The model overflows"),
            std::string::npos)
      << message;
}

/// The root's slope at 0 is infinite, its value is not.
TEST(Prober, NamesTheOpWhereAGradientWentWrong) {
  const auto message = refusal(std::vector<float>(16, 1), std::vector<float>(16, 0));
  EXPECT_NE(message.find("the gradient of operand"), std::string::npos) << message;
  EXPECT_NE(message.find("of second is not finite"), std::string::npos) << message;
}

TEST(Prober, RefusesStaticScalesWithoutMaxima) {
  const SmallGraph small;
  const auto ones = std::vector<float>(16, 1);
  const fixture::StoredModel model({{"a", {{4, 4}, ones}}, {"b", {{4, 4}, ones}}});
  auto parameters = model.parameters();
  fixture::message_of(ErrorKind::internal, [&] {
    Prober(lower::probe(small.graph, small.ops), small.ops, parameters, {format::by_name("int8")},
           {});
  });
}

TEST(Observe, GivesTheLargestMagnitudesOfActivations) {
  const SmallGraph small;
  const fixture::StoredModel model(
      {{"a", {{4, 4}, std::vector<float>(16, -1)}}, {"b", {{4, 4}, std::vector<float>(16, 1)}}});
  auto parameters = model.parameters();
  Program observed(lower::observe(small.graph, small.ops), parameters);
  const auto maxima = observe(
      observed,
      fixture::inputs_of({at::tensor({1.F, -3.F, 0.F, 0.F, 2.F, 2.F, 2.F, 1.F}).view({2, 4})}),
      small.ops);
  EXPECT_EQ(maxima, (std::vector<std::vector<float>>{{3, 0}, {7, 0}}));
}

TEST(Observe, NamesTheOpOfAnInfiniteActivation) {
  const SmallGraph small;
  auto bad = std::vector<float>(16, 1);
  bad[0] = infinity;
  const fixture::StoredModel model({{"a", {{4, 4}, bad}}, {"b", {{4, 4}, bad}}});
  auto parameters = model.parameters();
  Program observed(lower::observe(small.graph, small.ops), parameters);
  const auto message = fixture::message_of(ErrorKind::input, [&] {
    observe(observed, fixture::inputs_of({at::ones({2, 4})}), small.ops);
  });
  EXPECT_NE(message.find("operand 0 of second"), std::string::npos) << message;
}

}  // namespace
}  // namespace gainsweep::execute
