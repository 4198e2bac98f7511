#include "pipeline/baseline.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "base/error.hpp"

namespace gainsweep::pipeline {
namespace {

/// A "model" whose loss is its label divided by its token.
class Quotient : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ =
        std::filesystem::temp_directory_path() / ("gainsweep_losses_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    std::string header = R"({"unused":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = header.size();
    std::ofstream file(folder_ / "model.safetensors", std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file << header << std::string(4, '\0');
    file.close();
    execute::start(execute::devices().at("cpu"), 1);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }

  static graph::Graph quotient() {
    graph::Graph graph;
    const auto tokens = graph.add_input("tokens", graph::ElementType::index, {1, 1});
    const auto labels = graph.add_input("labels", graph::ElementType::index, {1, 1});
    graph.outputs = {graph.add_node("aten::div.Tensor", {labels, tokens}, {1, 1}, "loss")};
    return graph;
  }

  static model::Sample sample(std::int64_t token, std::int64_t label) {
    return {.inputs = {{"tokens", {{1, 1}, std::vector{token}}}},
            .targets = {{1, 1}, std::vector{label}}};
  }

  static std::vector<double> losses_of(const std::vector<model::Sample>& samples) {
    model::Model model;
    model.parameters = std::make_shared<const model::Checkpoint>(model::Checkpoint::open(folder_));
    execute::Parameters parameters(model, execute::devices().at("cpu"), execute::Precision::fp32);
    execute::Program program(quotient(), parameters);
    std::vector<double> losses;
    for (const auto& sample : samples)
      losses.push_back(run_sample(program, sample, {}, execute::devices().at("cpu"),
                                  "evaluation sample " + std::to_string(losses.size()))
                           .loss);
    return losses;
  }

 private:
  static inline std::filesystem::path folder_;
};

TEST_F(Quotient, GivesTheLossOfEachSample) {
  EXPECT_EQ(losses_of({sample(2, 1), sample(1, 3), sample(4, 1)}),
            (std::vector<double>{0.5, 3, 0.25}));
}

TEST_F(Quotient, NamesTheSampleWhoseLossIsNotFinite) {
  for (const std::int64_t label : {0, 1}) {  // 0/0 is NaN, 1/0 infinite
    try {
      losses_of({sample(1, 1), sample(0, label)});
      ADD_FAILURE() << "a loss that is not finite was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_NE(std::string(error.what()).find("evaluation sample 1 is"), std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace gainsweep::pipeline
