// Exported models of any kind: the interpreter against what PyTorch computed.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "disk/mapped_file.hpp"
#include "exported/exported_model.hpp"
#include "fixture.hpp"
#include "graph/partition.hpp"
#include "model/safetensors.hpp"

namespace gainsweep::execute {
namespace {

namespace fs = std::filesystem;

/// A `.pt2` file with a batch of inputs and what PyTorch makes of it in fp32.
struct Golden {
  std::string_view folder;  ///< of the sources
  const char* name;
  const char* input;
  graph::Shape row;
  std::size_t ops, subgraphs;
};

constexpr std::string_view shipped = "configs/exported", of_development = "../shared/data/exported";

std::vector<float> reals(const model::MappedTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

class ExportedGolden : public ::testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    const auto folder = fs::path(GAINSWEEP_SOURCE_DIR) / GetParam().folder;
    if (!fs::exists(folder)) GTEST_SKIP() << "no development data at " << folder;
    model_ =
        exported::open_model(folder / (std::string(GetParam().name) + ".pt2"),
                             exported::losses().at("class"), {{GetParam().input, GetParam().row}});
    std::string golden = GetParam().name;
    if (const auto end = golden.find("_functional"); end != std::string::npos) golden.resize(end);
    const auto path = folder / (golden + ".golden.safetensors");
    file_.emplace(disk::MappedFile::open(path));
    tensors_ = model::parse_safetensors(file_->bytes(), path);
  }

  std::optional<disk::MappedFile> file_;
  std::map<std::string, model::MappedTensor> tensors_;
  model::Model model_;
};

TEST_P(ExportedGolden, GivesPyTorchsLogits) {
  const auto& input = tensors_.at("input");
  const auto logits = reals(tensors_.at("logits"));
  const auto graph = model_.build(
      {.batch = 1, .length = input.shape[0], .outputs = {model::Output::class_scores}});
  Parameters parameters(model_, devices().at("cpu"), Precision::fp32);
  Program program(graph, parameters);
  const model::Sample sample{.inputs = {{GetParam().input, {input.shape, reals(input)}}}};
  const auto found = program.run(make_inputs(graph, sample, model_.inputs, devices().at("cpu")));
  ASSERT_EQ(found.size(), logits.size());
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    largest = std::max(largest, std::abs(found[i] - logits[i]));
  EXPECT_LT(largest, 2e-4);
  std::printf("%s: largest difference of logits %.3g\n", GetParam().name, largest);
}

TEST_P(ExportedGolden, IsCutIntoItsSubgraphs) {
  const auto graph = model_.build({.batch = 1, .length = 1, .outputs = {model::Output::mean_loss}});
  const auto partition = graph::partition(graph, {}, 2);
  EXPECT_EQ(partition.ops.size(), GetParam().ops);
  EXPECT_EQ(partition.subgraphs.size(), GetParam().subgraphs);
  for (const auto& node : graph.nodes) EXPECT_NE(node.op, "aten::batch_norm") << node.path;
}

INSTANTIATE_TEST_SUITE_P(
    Files, ExportedGolden,
    ::testing::Values(Golden{shipped, "fashion_mobile", "images", {1, 28, 28}, 24, 24},
                      Golden{shipped, "fashion_resnet", "images", {1, 28, 28}, 16, 12},
                      Golden{of_development, "fashion_mobile", "x", {1, 28, 28}, 24, 24},
                      Golden{of_development, "resnet20_cifar", "x", {3, 32, 32}, 20, 20},
                      Golden{
                          of_development, "resnet20_cifar_functional", "x", {3, 32, 32}, 20, 20}),
    [](const auto& golden) {
      const bool is_shipped = golden.param.folder == shipped;
      return std::string(is_shipped ? "shipped_" : "development_") + golden.param.name;
    });

}  // namespace
}  // namespace gainsweep::execute
