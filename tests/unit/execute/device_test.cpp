#include "execute/device.hpp"

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/exception.hpp"
#include "fixture.hpp"
#include "unit/throws.hpp"

namespace gainsweep::execute {
namespace {

using fixture::toy_device;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(Devices, HaveTheCpuAsOnePlaceOfAllRanks) {
  const auto& cpu = devices().at("cpu");
  EXPECT_EQ(cpu.missing(), "");
  EXPECT_THAT(cpu.visible(), ElementsAre("0"));
  EXPECT_EQ(to_place(cpu), at::Device(at::kCPU));
  EXPECT_THAT(parts(cpu.identity()), IsEmpty()) << "keys of the CPU's units say no more than that";
  EXPECT_TRUE(cpu.shared_by_ranks);
  EXPECT_NO_THROW(cpu.record().wait());
}

TEST(Devices, AreLoadedBeforeTheyAreTaken) {
  std::vector<std::string> calls;
  auto toy = toy_device();
  toy.load = [&] { calls.emplace_back("load"); };
  toy.take = [&](std::size_t index) { calls.push_back("take " + std::to_string(index)); };
  start(toy, 1, 1);
  EXPECT_THAT(calls, ElementsAre("load", "take 1"));
}

TEST(Devices, SayWhatTheyMiss) {
  auto toy = toy_device();
  toy.missing = [] { return std::string("no driver"); };
  bool taken = false;
  toy.load = toy.missing;
  toy.take = [&](std::size_t) { taken = true; };
  EXPECT_ERROR(start(toy, 1), ErrorKind::environment, "device toy is not here (no driver). Use ");
  EXPECT_FALSE(taken);
}

TEST(Devices, ErrorsOfLibTorchEndWithWhatTheySay) {
  try {
    at::ones({2}).view({3});
    FAIL() << "2 numbers were seen as 3";
  } catch (const std::exception& error) {
    EXPECT_EQ(message_of(error), "shape '[3]' is invalid for input of size 2");
  }
}

TEST(Devices, NameTheirCardSoftwareAndMode) {
  const auto here = environment(toy_device());
  EXPECT_EQ(here.device_name, "Toy 2");
  EXPECT_THAT(
      parts(here.identity),
      ElementsAre(Pair("card", "Toy 2"), Pair("software", "driver 1.0"), Pair("mode", "eager")));
  EXPECT_THAT(parts({.card = "", .software = "2", .mode = ""}), ElementsAre(Pair("software", "2")));
}

TEST(Devices, SayWhyTheirTimesWouldMeanNothing) {
  auto toy = toy_device();
  toy.kernels = [](const LinearShape&, Precision) { return std::vector<std::string>{"int8 toy"}; };
  EXPECT_EQ(missing_kernels(toy, Precision::bf16), "");
  toy.kernels = [](const LinearShape&, Precision) -> std::vector<std::string> {
    throw Error(ErrorKind::environment, "a reference kernel");
  };
  EXPECT_EQ(missing_kernels(toy, Precision::bf16), "a reference kernel");
  toy.kernels = [](const LinearShape&, Precision) -> std::vector<std::string> {
    TORCH_CHECK(false, "no such type");
  };
  EXPECT_EQ(missing_kernels(toy, Precision::bf16),
            "device toy has no kernels of linear layers in bf16 (no such type)");
}

TEST(Devices, AreWaitedForThroughEvents) {
  const fixture::StoredModel model({{"w", {{2, 2}, {1, 2, 3, 4}}}});
  int recorded = 0, waited = 0;
  auto toy = toy_device();
  toy.record = [&] {
    ++recorded;
    return Event{[&] { ++waited; }};
  };
  Parameters parameters(model.model(), toy, Precision::fp32);
  graph::Graph graph;
  const auto x = graph.add_input("x", graph::ElementType::real, {1, 2});
  graph.outputs = {
      graph.add_node("aten::linear", {x, graph.add_parameter("w", {2, 2})}, {1, 2}, "layer")};
  Program program(graph, parameters);
  EXPECT_GE(program.time(fixture::inputs_of({at::ones({1, 2})})), 0);
  EXPECT_EQ(recorded, 2) << "before the run and after it";
  EXPECT_EQ(waited, 2);
}

}  // namespace
}  // namespace gainsweep::execute
