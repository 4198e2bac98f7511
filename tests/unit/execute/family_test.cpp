// A family of models that the program does not know, added in a few lines: it is opened from its
// folder, scored, partitioned, rounded and run like those that it does.

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "execute/probe.hpp"
#include "fixture.hpp"
#include "lower/pass.hpp"

namespace gainsweep::execute {
namespace {

using graph::ElementType;
using graph::ValueId;
using model::Output;

/// scores = W₂ relu(W₁ x), with the cross entropy of one class a row.
graph::Graph build_perceptron(const nlohmann::json& config, const model::Workload& workload) {
  const std::int64_t batch = workload.batch, hidden = config["hidden"], classes = config["classes"];
  graph::Graph graph{.name = "perceptron"};
  const auto x = graph.add_input("features", ElementType::real, {batch, config["features"]});
  const auto inner = graph.add_parameter("inner", {hidden, config["features"]});
  const auto outer = graph.add_parameter("outer", {classes, hidden});
  auto y = graph.add_node("aten::linear", {x, inner}, {batch, hidden}, "inner");
  y = graph.add_node("aten::relu", {y}, {batch, hidden}, "relu");
  const auto scores = graph.add_node("aten::linear", {y, outer}, {batch, classes}, "outer");
  for (const auto output : workload.outputs) {
    if (output == Output::class_scores) graph.outputs.push_back(scores);
    if (output != Output::mean_loss) continue;
    const auto labels = graph.add_input("labels", ElementType::index, {batch});
    graph.outputs.push_back(
        graph.add_node("aten::cross_entropy_loss", {scores, labels}, {}, "loss"));
  }
  return graph;
}

model::Model open_perceptron(const std::filesystem::path& folder,
                             std::shared_ptr<const model::Checkpoint> checkpoint) {
  const auto config = nlohmann::json::parse(std::ifstream(folder / "config.json"));
  model::Model model;
  model.name = "perceptron";
  model.build = [config](const auto& workload) { return build_perceptron(config, workload); };
  model.inputs = {{"features", ElementType::real, {model::batch_size, config["features"]}},
                  {"labels", ElementType::index, {model::batch_size}, config["classes"]}};
  model.parameters = std::move(checkpoint);
  model.digested = model::files_of(*model.parameters);
  model.checkpoint_name = [](const std::string& value) { return "net." + value + ".weight"; };
  return model;
}

constexpr std::int64_t features = 6, hidden = 16, classes = 3, batch = 4;

class Family : public ::testing::Test {
 protected:
  Family()
      : stored_(
            {{"net.inner.weight", {{hidden, features}, fixture::numbers(hidden * features, 1)}},
             {"net.outer.weight", {{classes, hidden}, fixture::numbers(classes * hidden, 2)}}}) {
    if (!model::readers().contains("perceptron"))
      model::readers().add({"perceptron", open_perceptron});
    std::ofstream(folder() / "config.json")
        << R"({"model_type":"perceptron","features":6,"hidden":16,"classes":3})";
    model_ = model::open(folder());
    graph_ = model_.build({.batch = batch, .outputs = {Output::mean_loss, Output::class_scores}});
  }

  std::filesystem::path folder() const { return stored_.checkpoint().folder(); }

  static model::Sample sample() {
    return {.inputs = {{"features", {{batch, features}, fixture::numbers(batch * features, 3)}}},
            .targets = {{batch}, std::vector<std::int64_t>{2, 0, 1, 2}}};
  }

  Inputs inputs() const {
    return make_inputs(graph_, sample(), model_.inputs, devices().at("cpu"));
  }

  fixture::StoredModel stored_;
  model::Model model_;
  graph::Graph graph_;
};

at::Tensor stored(std::int64_t rows, std::int64_t columns, unsigned seed) {
  const auto count = static_cast<std::size_t>(rows * columns);
  return at::tensor(fixture::numbers(count, seed)).view({rows, columns}).to(at::kDouble);
}

/// The same network by hand, in double.
struct Reference {
  at::Tensor x = stored(batch, features, 3);
  at::Tensor inner = stored(hidden, features, 1);
  at::Tensor outer = stored(classes, hidden, 2);
  at::Tensor y = x.mm(inner.t()).relu();
  at::Tensor scores = y.mm(outer.t());
  at::Tensor labels = at::tensor({2, 0, 1, 2}, at::kLong);
};

TEST_F(Family, RunsFromItsFolder) {
  const Reference reference;
  const auto loss = at::cross_entropy_loss(reference.scores, reference.labels);
  Parameters parameters(model_, devices().at("cpu"), Precision::fp64);
  Program program(graph_, parameters);
  EXPECT_NEAR(program.run(inputs()).at(0), loss.item<double>(), 1e-12);
  EXPECT_NEAR(program.run(inputs(), 1).at(5), reference.scores[1][2].item<double>(), 1e-12);
  EXPECT_EQ(model::num_targets(sample()), batch);
  EXPECT_EQ(model_.digested.size(), 2U);
}

TEST_F(Family, IsPartitionedAndScored) {
  const auto partition = graph::partition(graph_, {}, 2);
  ASSERT_EQ(partition.subgraphs.size(), 2U);
  EXPECT_EQ(partition.subgraphs[0].name, "inner");
  Parameters parameters(model_, devices().at("cpu"), Precision::fp64);
  Prober prober(lower::probe(graph_, partition.ops), partition.ops, parameters,
                {format::by_name("bf16")}, {});
  const auto record = prober.probe(inputs());
  const Reference r;
  const auto of_scores =
      (r.scores.softmax(1) - at::one_hot(r.labels, classes)) / static_cast<double>(batch);
  const auto of_inner = of_scores.mm(r.outer) * (r.y > 0);
  const auto s = [](const at::Tensor& z, const at::Tensor& g) {
    return (z * g).square().sum().item<double>();
  };
  const double expected[2][2] = {
      {s(r.x, of_inner.mm(r.inner)), s(r.inner, of_inner.t().mm(r.x))},
      {s(r.y, of_scores.mm(r.outer)), s(r.outer, of_scores.t().mm(r.y))}};
  for (std::size_t op = 0; op < 2; ++op) {
    for (std::size_t k = 0; k < 2; ++k) {
      EXPECT_NEAR(record.operands[op][k].sensitivity / expected[op][k], 1, 1e-6) << op << ", " << k;
    }
  }
}

TEST_F(Family, IsRoundedAndLowered) {
  const auto partition = graph::partition(graph_, {}, 2);
  auto int8 = format::by_name("int8");
  int8.activation->scale = format::ScaleRule::dynamic_max;
  const std::vector<format::Format> formats{format::by_name("bf16"), int8};
  const graph::Assignment low{{1}, {1}};
  Parameters parameters(model_, devices().at("cpu"), Precision::fp32);
  const auto loss = [&](const graph::Graph& graph) {
    return Program(graph, parameters).run(inputs()).at(0);
  };
  const double high = loss(graph_);
  const auto rounded = loss(lower::fake_quantize(graph_, partition.ops, low, formats, {}));
  EXPECT_NE(rounded, high);
  EXPECT_NEAR(rounded, high, 0.01 * high);
  EXPECT_NEAR(loss(lower::lower(graph_, partition, graph::Assignment(2), formats, {},
                                lower::targets().at("onednn"))),
              high, 1e-5);
}

TEST_F(Family, IsRefusedWhatDoesNotFit) {
  auto wrong = sample();
  wrong.targets.values = std::vector<std::int64_t>{2, 0, 3, 2};
  EXPECT_NE(
      fixture::message_of(ErrorKind::input,
                          [&] { make_inputs(graph_, wrong, model_.inputs, devices().at("cpu")); })
          .find("input labels holds 3"),
      std::string::npos);
  std::ofstream(folder() / "config.json")
      << R"({"model_type":"perceptron","features":7,"hidden":16,"classes":3})";
  EXPECT_NE(fixture::message_of(ErrorKind::input, [&] { model::open(folder()); })
                .find("tensor 'net.inner.weight' has shape [16, 6], but the model needs [16, 7]"),
            std::string::npos);
}

}  // namespace
}  // namespace gainsweep::execute
