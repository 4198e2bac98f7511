// Runs that a device captures, on a made-up one, and what is said where none can be captured.

#include "execute/capture.hpp"

#include <ATen/ops/ones.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "execute/cuda_graph.hpp"
#include "execute/flush.hpp"
#include "fixture.hpp"

namespace gainsweep::execute {
namespace {

using fixture::toy_device;

/// A program of one sum on a device that captures.
class Capturing : public testing::Test {
 protected:
  Capturing() : toy_(toy_device()) {
    toy_.capture = [this](const std::function<void()>& work) -> std::optional<Captured> {
      ++captures_;
      work();
      return Captured{[this, work] {
        ++replays_;
        work();
      }};
    };
    graph_.name = "sum";
    const auto x = graph_.add_input("x", graph::ElementType::real, {1, 2});
    graph_.outputs = {graph_.add_node("aten::add.Tensor", {x, x}, {1, 2}, "sum")};
  }

  Device toy_;
  graph::Graph graph_;
  int captures_ = 0, replays_ = 0;
};

TEST_F(Capturing, TimedRunsAreReplayed) {
  const fixture::StoredModel model({});
  Parameters parameters(model.model(), toy_, Precision::fp32);
  Program program(graph_, parameters);
  const auto first = fixture::inputs_of({at::ones({1, 2})});
  for (int run = 0; run < 3; ++run) EXPECT_GE(program.time(first), 0);
  EXPECT_EQ(captures_, 1);
  EXPECT_EQ(replays_, 3);
  const auto second = fixture::inputs_of({at::ones({1, 2})});
  program.time(second);
  EXPECT_EQ(captures_, 2) << "a captured run reads the memory that it was captured with";
  EXPECT_EQ(program.run(second), (std::vector<double>{2, 2}));
  EXPECT_EQ(replays_, 4) << "results are computed anew";
}

TEST_F(Capturing, DevicesThatAreNotDrivenSoRunAsTheyDo) {
  int asked = 0;
  toy_.capture = [&](const auto&) -> std::optional<Captured> {
    ++asked;
    return std::nullopt;
  };
  const fixture::StoredModel model({});
  Parameters parameters(model.model(), toy_, Precision::fp32);
  Program program(graph_, parameters);
  EXPECT_GE(program.time(fixture::inputs_of({at::ones({1, 2})})), 0);
  EXPECT_EQ(asked, 1);
}

TEST(CudaGraphs, AreMissingWithTheLibraryThatWouldCaptureThem) {
  EXPECT_THAT(missing_cuda_graph(),
              testing::HasSubstr("libgainsweep_cuda.so, which captures them"));
}

TEST(Flush, WritesMemoryOfItsOwn) {
  Flush flush(toy_device(), 4096);
  flush.play();
  auto moved = std::move(flush);
  moved.play();
}

}  // namespace
}  // namespace gainsweep::execute
