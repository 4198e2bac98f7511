#include "pipeline/samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <span>

#include "base/error.hpp"
#include "digest/digest.hpp"

namespace gainsweep::pipeline {
namespace {

using Ids = std::vector<std::int64_t>;

std::shared_ptr<const archive::TokenStream> stream(std::int64_t count, Ids offsets = {},
                                                   Ids mask = {}) {
  Ids ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), 100);
  return std::make_shared<const archive::TokenStream>(
      archive::TokenStream{std::move(ids), std::move(offsets), std::move(mask)});
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

TEST(Samples, MayBeTheStreamsOwn) {
  // The second begins one token behind the first: windows of a stride of their own.
  const auto own = std::make_shared<const archive::TokenStream>(
      archive::TokenStream{{100, 101, 102, 103, 101, 102, 103, 104}, {0, 4, 8}});
  const auto samples = cut(own, {.length = 3, .first = 1, .count = 1});
  EXPECT_EQ(std::get<Ids>(samples.set.load(0).inputs.at("tokens").values), (Ids{101, 102, 103}));
  EXPECT_EQ(std::get<Ids>(samples.set.load(0).targets.values), (Ids{102, 103, 104}));
  // Keys tell samples by what they hold, not by how a file stores them.
  const auto plain = cut(stream(8), {.length = 3, .first = 0, .count = 1});
  EXPECT_EQ(cut(own, {.length = 3, .first = 0, .count = 1}).ids[0].tokens, plain.ids[0].tokens);
}

TEST(Samples, HaveTheirOwnLengthsAndWeights) {
  const auto own = stream(9, {0, 4, 7, 9}, {0, 1, 0, 1, 0, 1, 1, 1, 1});
  const auto samples = cut(own, {.length = 3, .first = 0, .count = 3});
  EXPECT_EQ(samples.buckets, (std::vector<Bucket>{{3, true}, {2, false}, {1, false}}));
  EXPECT_EQ(samples.targets, (Ids{2, 2, 1}));
  const auto masked = samples.set.load(0);
  EXPECT_EQ(masked.weights, (std::vector<float>{1, 0, 1}));
  EXPECT_EQ(model::num_targets(masked), 2);
  const auto shorter = samples.set.load(1);
  EXPECT_EQ(std::get<Ids>(shorter.inputs.at("tokens").values), (Ids{104, 105}));
  EXPECT_TRUE(shorter.weights.empty()) << "what is no target has no weight";
  EXPECT_EQ(to_text(samples, "calibration"),
            "3 calibration samples of 1 to 3 tokens (6 in all; 5 targets count)");
  // Keys tell the marks of targets, where they leave any out.
  EXPECT_FALSE(samples.ids[0].mask.empty());
  EXPECT_EQ(samples.ids[1].mask, "");
  const auto plain = cut(stream(9), {.length = 3, .first = 0, .count = 1});
  EXPECT_EQ(samples.ids[0].tokens, plain.ids[0].tokens);
  EXPECT_EQ(to_text(plain, "evaluation"), "1 evaluation sample of 3 tokens");
  EXPECT_EQ(to_text(cut(stream(9), {.length = 3}), "search"), "0 search samples");
}

TEST(Samples, ThatCannotBeCutAreNamed) {
  const auto refused = [](std::shared_ptr<const archive::TokenStream> from,
                          const Windows& windows) {
    try {
      cut(std::move(from), windows);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  using testing::HasSubstr;
  EXPECT_THAT(refused(stream(9), {.length = 3, .first = 1, .count = 2}),
              HasSubstr("9 tokens, but samples of 3 tokens need 10"));
  EXPECT_THAT(refused(stream(8, {0, 4, 8}), {.length = 3, .first = 1, .count = 2}),
              HasSubstr("2 samples where 3 are needed"));
  EXPECT_THAT(refused(stream(9, {0, 4, 9}), {.length = 3, .first = 0, .count = 2}),
              HasSubstr("sample 1 has 4 tokens and calibration.length is 3 (the most"));
  EXPECT_THAT(refused(stream(7, {}, {1, 0, 1, 0, 0, 0, 0}), {.length = 3, .first = 0, .count = 2}),
              HasSubstr("sample 1 has no target that counts"));
  EXPECT_EQ(refused(stream(7, {}, {1, 0, 1, 0, 0, 0, 0}), {.length = 3, .first = 0, .count = 1}),
            "accepted")
      << "what is no target of a sample that is taken";
}

}  // namespace
}  // namespace gainsweep::pipeline
