#include "pipeline/unreached.hpp"

#include <gmock/gmock.h>

#include "models.hpp"

namespace gainsweep::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<graph::Op> ops(const std::vector<std::string>& paths) {
  std::vector<graph::Op> result;
  for (const auto& path : paths) {
    graph::Op op;
    op.path = path;
    op.operands = {{{}, graph::OperandRole::activation, 0, "input"},
                   {{}, graph::OperandRole::weight, 1, "weight"}};
    result.push_back(op);
  }
  return result;
}

const auto mixture = ops({"layers.0.mlp.experts.0.gate", "layers.0.mlp.experts.0.down",
                          "layers.0.mlp.experts.1.gate", "layers.0.mlp.experts.1.down", "head"});

execute::ProbeRecord score(const std::vector<double>& sensitivities) {
  execute::ProbeRecord record;
  for (const double sensitivity : sensitivities)
    record.operands.push_back({{sensitivity, {}, {}, {}}, {sensitivity, {}, {}, {}}});
  return record;
}

TEST(Unreached, NamesModulesWhoseActivationsAreZerosAlone) {
  EXPECT_THAT(unobserved(mixture, {{1, 9}, {2, 9}, {3, 9}, {4, 9}, {5, 9}}), IsEmpty());
  const auto notes = unobserved(mixture, {{1, 9}, {2, 9}, {0, 9}, {0, 9}, {5, 9}});
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0].text, HasSubstr("their activations' scales are 1"));
  EXPECT_THAT(notes[0].names, ElementsAre("layers.0.mlp.experts.1"));
}

TEST(Unreached, NamesOpsWhereTheRestOfTheModuleSawSomething) {
  const auto notes = unobserved(mixture, {{1, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}});
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0].names,
              ElementsAre("layers.0.mlp.experts.0.down", "layers.0.mlp.experts.1", "head"));
}

TEST(Unreached, SaysNothingWhereNothingWasLookedAt) {
  EXPECT_THAT(without_effect(mixture, {}), IsEmpty());
}

TEST(Unreached, NamesWhatNoSamplesLossDependsOn) {
  const auto notes = without_effect(mixture, {score({1, 1, 0, 0, 1}), score({1, 0, 0, 0, 1})});
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_THAT(notes[0].text, HasSubstr("loss errors are 0 and say nothing"));
  EXPECT_THAT(notes[0].names, ElementsAre("layers.0.mlp.experts.1"));
  EXPECT_THAT(without_effect(mixture, {score({0, 0, 0, 0, 1}), score({1, 1, 1, 1, 1})}), IsEmpty());
}

}  // namespace
}  // namespace gainsweep::pipeline
