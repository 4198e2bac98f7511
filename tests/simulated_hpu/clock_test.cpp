// When the card works: laziness, compilation, waiting. No time is compared with another but those
// of the card's own clock.

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <c10/core/Event.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "simulated_hpu/calls.hpp"
#include "simulated_hpu/llama_block.hpp"

namespace simulated_hpu {
namespace {

class ClockTest : public testing::Test {
 protected:
  ClockTest() : block_(LlamaBlock::random(64, at::kBFloat16).to(card)) { finish(); }

  const c10::InferenceMode inference_;
  LlamaBlock block_;
};

TEST_F(ClockTest, FirstRunOfAGraphCompilesIt) {
  const auto other = LlamaBlock::random(65, at::kBFloat16).to(card);
  finish();
  const auto before = count("compilations");
  other.run(false);
  finish();
  const auto after = count("compilations");
  EXPECT_GT(after, before) << "another shape is another graph";
  other.run(false);
  finish();
  EXPECT_EQ(count("compilations"), after);
}

TEST_F(ClockTest, EveryCompiledGraphIsAFileOfTheRecipeFolder) {
  block_.run(false);
  finish();
  const std::string folder = std::getenv("PT_HPU_RECIPE_CACHE_CONFIG");
  std::int64_t recipes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.substr(0, folder.find(','))))
    recipes += file.path().extension() == ".recipe" ? 1 : 0;
  EXPECT_EQ(recipes, count("compilations"));
}

TEST_F(ClockTest, CardWorksBehindTheHost) {
  block_.run(false);
  EXPECT_EQ(count("busy"), 1) << "nobody has waited";
  finish();
  EXPECT_EQ(count("busy"), 0);
}

TEST_F(ClockTest, LazyModeStartsNothingBeforeAStep) {
  const auto before = count("launches");
  block_.run(false);
  const bool is_lazy = count("lazy") == 1;
  EXPECT_EQ(count("launches") == before, is_lazy);
  finish();
  EXPECT_GT(count("launches"), before);
}

TEST_F(ClockTest, CopyToTheHostWaits) {
  block_.run(false).to(at::kCPU);
  EXPECT_EQ(count("busy"), 0);
}

TEST_F(ClockTest, ReadThatDoesNotWaitIsCounted) {
  block_.run(false);
  finish();
  const auto before = count("unwaited_reads");
  const auto there = block_.run(false);
  auto here = at::empty(there.sizes(), there.scalar_type());
  here.copy_(there, /*non_blocking=*/true);
  EXPECT_EQ(count("unwaited_reads"), before + 1);
  finish();
  here.copy_(there);
  EXPECT_EQ(count("unwaited_reads"), before + 1);
}

TEST_F(ClockTest, EventsMeasureTheCardsOwnTime) {
  block_.run(false);
  finish();
  const auto stream = c10::impl::VirtualGuardImpl(at::kHPU).getStream(card);
  c10::Event begin(at::kHPU, c10::EventFlag::BACKEND_DEFAULT);
  c10::Event end(at::kHPU, c10::EventFlag::BACKEND_DEFAULT);
  begin.record(stream);
  const auto busy = count("busy_microseconds");
  block_.run(false);
  end.record(stream);
  EXPECT_NE(error_of([&] { (void)begin.elapsedTime(end); }), "") << "it has not happened yet";
  end.synchronize();
  EXPECT_GE(begin.elapsedTime(end) * 1e3 + 1,
            static_cast<double>(count("busy_microseconds") - busy));
}

TEST_F(ClockTest, EventsWithoutTheBackendsFlagHaveNoTime) {
  const auto stream = c10::impl::VirtualGuardImpl(at::kHPU).getStream(card);
  c10::Event first(at::kHPU), second(at::kHPU);
  first.record(stream);
  second.record(stream);
  second.synchronize();
  EXPECT_NE(error_of([&] { (void)first.elapsedTime(second); }), "");
}

TEST_F(ClockTest, CallsThatTheBridgeLacksAreMissing) {
  const c10::impl::VirtualGuardImpl guard(at::kHPU);
  EXPECT_NE(error_of([&] { guard.synchronizeDevice(0); }), "");
  EXPECT_NE(error_of([&] { guard.synchronizeStream(guard.getStream(card)); }), "");
  EXPECT_NE(error_of([&] { (void)guard.queryStream(guard.getStream(card)); }), "");
  EXPECT_EQ(guard.deviceCount(), 1) << "whatever the node has";
}

}  // namespace
}  // namespace simulated_hpu
