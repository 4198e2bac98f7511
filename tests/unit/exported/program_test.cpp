#include "exported/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "parts.hpp"

namespace gainsweep::exported {
namespace {

using ::testing::ElementsAre;

/// A small sound file, read.
class SmallProgram : public ::testing::Test {
 protected:
  const Aligned file_{zip_of(sound_parts().members())};
  const Program program_ = parse(file_.bytes(), "small.pt2");
};

TEST_F(SmallProgram, HasItsInputsJoinedWithTheSignature) {
  ASSERT_EQ(program_.inputs.size(), 3u) << "without the constant";
  EXPECT_EQ(program_.inputs[0].kind, Input::Kind::parameter);
  EXPECT_EQ(program_.inputs[0].name, "p_weight");
  EXPECT_EQ(program_.inputs[0].stored, "head.weight");
  EXPECT_EQ(program_.inputs[1].kind, Input::Kind::buffer);
  EXPECT_EQ(program_.inputs[1].stored, "pos");
  EXPECT_EQ(program_.inputs[2].kind, Input::Kind::user);
  EXPECT_EQ(program_.inputs[2].name, "x");
  EXPECT_EQ(program_.torch_version, "2.13.0");
  EXPECT_FALSE(program_.is_functional);
  EXPECT_THAT(program_.outputs, ElementsAre(Argument(TensorName{"view"})));
}

TEST_F(SmallProgram, HasItsNodesInOrder) {
  std::vector<std::string> targets;
  for (const auto& node : program_.nodes) targets.push_back(node.target);
  EXPECT_THAT(targets,
              ElementsAre("aten::sym_size.int", "aten::linear.default", "aten::full_like.default",
                          "aten::topk.default", "aten::cat.default", "aten::view.default"));
  EXPECT_EQ(program_.nodes[1].module, "block.head");
  EXPECT_EQ(program_.nodes[2].module, "");
  EXPECT_EQ(program_.nodes[1].name, "linear");
  EXPECT_THAT(program_.nodes[3].results,
              ElementsAre(Argument(TensorName{"getitem"}), Argument(TensorName{"topk_unused_1"})));
}

TEST_F(SmallProgram, HasArgumentsByName) {
  const auto& linear = program_.nodes[1].arguments;
  ASSERT_EQ(linear.size(), 3u);
  EXPECT_EQ(linear[1].name, "weight");
  EXPECT_EQ(linear[1].value, Argument(TensorName{"p_weight"}));
  EXPECT_EQ(linear[2].value, Argument(None{}));
  std::vector<Argument> full;
  for (const auto& argument : program_.nodes[2].arguments) full.push_back(argument.value);
  EXPECT_THAT(full, ElementsAre(Argument(TensorName{"linear"}),
                                Argument(-std::numeric_limits<double>::infinity()),
                                Argument(ElementType::fp32), Argument(Strided{}),
                                Argument(Device{"cpu"}), Argument(MemoryFormat::channels_last)));
  EXPECT_EQ(program_.nodes[4].arguments[0].value,
            Argument(std::vector<TensorName>{{"getitem"}, {"linear"}}));
  EXPECT_EQ(program_.nodes[5].arguments[1].value,
            Argument(std::vector<SymbolicInteger>{NumberName{"size"}, std::int64_t{-1}}));
}

TEST_F(SmallProgram, KnowsSizesAndTheirBounds) {
  const auto& x = program_.values.at("x");
  EXPECT_EQ(x.type, ElementType::fp32);
  EXPECT_EQ(x.sizes[0].value, 2);
  EXPECT_EQ(x.sizes[0].expression, "Symbol('s77', positive=True, integer=True)");
  EXPECT_EQ(x.sizes[1].value, 4);
  EXPECT_EQ(x.sizes[1].expression, "");
  EXPECT_EQ(program_.integers.at("size").value, 2);
  EXPECT_EQ(program_.ranges.at("s77").least, 1);
  EXPECT_FALSE(program_.ranges.at("s77").most);
}

TEST_F(SmallProgram, HasTensorsWhereTheyLie) {
  const auto& weight = program_.tensors.at("head.weight");
  const auto& tied = program_.tensors.at("tied.weight");
  EXPECT_THAT(weight.sizes, ElementsAre(3, 4));
  EXPECT_EQ(weight.storage.size(), 48u);
  EXPECT_EQ(weight.storage.data(), tied.storage.data());
  EXPECT_THAT(tied.strides, ElementsAre(1, 4));
  EXPECT_EQ(tied.offset, 4);
  EXPECT_GE(weight.storage.data(), file_.bytes().data());
  EXPECT_EQ(program_.tensors.at("pos").type, ElementType::int64);
}

TEST(Program, OfAZip64ArchiveIsTheSame) {
  const Aligned file(zip_of(sound_parts().members(), "another name/", true));
  const auto program = parse(file.bytes(), "small.pt2");
  EXPECT_EQ(program.nodes.size(), 6u);
  EXPECT_EQ(program.tensors.size(), 3u);
}

TEST(Program, ScalarsAndEmptyTensorsAreTensors) {
  auto parts = sound_parts();
  auto& meta = parts.weights["config"]["tied.weight"]["tensor_meta"];
  meta["sizes"] = meta["strides"] = nlohmann::json::array();
  const auto none = nlohmann::json{{{"as_int", 0}}, {{"as_int", 1'000'000}}};
  parts.weights["config"]["none"] = parts.weights["config"]["tied.weight"];
  parts.weights["config"]["none"]["tensor_meta"]["sizes"] = none;
  parts.weights["config"]["none"]["tensor_meta"]["strides"] = none;
  const Aligned file(zip_of(parts.members()));
  const auto program = parse(file.bytes(), "small.pt2");
  EXPECT_TRUE(program.tensors.at("tied.weight").sizes.empty());
  EXPECT_THAT(program.tensors.at("none").sizes, ElementsAre(0, 1'000'000));
}

}  // namespace
}  // namespace gainsweep::exported
