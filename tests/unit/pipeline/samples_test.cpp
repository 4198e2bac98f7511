#include "pipeline/samples.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <span>

#include "digest/digest.hpp"

namespace gainsweep::pipeline {
namespace {

using Ids = std::vector<std::int64_t>;

std::shared_ptr<const Ids> stream(std::int64_t count) {
  Ids ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 100);
  return std::make_shared<const Ids>(std::move(ids));
}

TEST(Samples, AreWindowsAndTheirSuccessors) {
  const Windows windows{.length = 3, .first = 1, .count = 2};
  ASSERT_EQ(windows.num_tokens(), 10);
  const auto samples = cut(stream(windows.num_tokens()), windows);
  ASSERT_EQ(samples.set.size(), 2U);
  const auto last = samples.set.load(1);
  EXPECT_EQ(last.inputs.at("tokens").shape, (graph::Shape{1, 3}));
  EXPECT_EQ(std::get<Ids>(last.inputs.at("tokens").values), (Ids{106, 107, 108}));
  EXPECT_EQ(std::get<Ids>(last.targets.values), (Ids{107, 108, 109}));
  EXPECT_EQ(model::num_targets(last), 3);
}

TEST(Samples, AreToldByTheirTokensAndLastTarget) {
  const auto samples = cut(stream(10), {.length = 3, .first = 0, .count = 3});
  const Ids tokens{103, 104, 105};
  EXPECT_EQ(samples.set.digests.at(1), digest::of_bytes(std::as_bytes(std::span(tokens))));
  EXPECT_EQ(samples.ids.at(1).tokens, samples.set.digests.at(1));
  EXPECT_EQ(samples.ids.at(1).last_label, 106);
}

TEST(Samples, OutliveTheStreamTheyAreCutFrom) {
  Samples samples;
  {
    const auto tokens = stream(7);
    samples = cut(tokens, {.length = 3, .first = 0, .count = 2});
  }
  EXPECT_EQ(std::get<Ids>(samples.set.load(0).targets.values), (Ids{101, 102, 103}));
}

}  // namespace
}  // namespace gainsweep::pipeline
