#include "pipeline/pack.hpp"

#include <gtest/gtest.h>

namespace gainsweep::pipeline {
namespace {

using Numbers = std::vector<std::int64_t>;

struct Request {
  std::int64_t item;
  Numbers tokens;
  std::int64_t start;
};

std::shared_ptr<const archive::Items> items_of(const std::vector<Request>& requests) {
  archive::Items items;
  items.requests.offset = {0};
  for (const auto& request : requests) {
    items.tokens.insert(items.tokens.end(), request.tokens.begin(), request.tokens.end());
    items.requests.offset.push_back(static_cast<std::int64_t>(items.tokens.size()));
    items.requests.item.push_back(request.item);
    items.requests.start.push_back(request.start);
    items.items.requests.resize(static_cast<std::size_t>(request.item) + 1);
    ++items.items.requests.back();
  }
  items.items.label.resize(items.items.requests.size());
  return std::make_shared<const archive::Items>(std::move(items));
}

model::Model model_of(std::int64_t longest_packed) {
  model::Model model;
  model.longest_packed = longest_packed;
  return model;
}

Numbers first(const model::Tensor& tensor, std::size_t count) {
  const auto& all = std::get<Numbers>(tensor.values);
  return {all.begin(), all.begin() + static_cast<long>(count)};
}

const auto two_choices = items_of({{0, {1, 2, 3, 4, 5}, 3}, {0, {1, 2, 3, 6}, 3}});

TEST(Pack, RunsWhatChoicesBeginWithOnce) {
  const auto packs = packs_of(*two_choices, 1, true, model_of(100));
  ASSERT_EQ(packs.size(), 1u);
  EXPECT_EQ(packs[0].shared, 3);
  EXPECT_EQ(packs[0].bucket, (Bucket{32, false, 32, true}));
  const auto samples = samples_of(two_choices, packs);
  EXPECT_EQ(samples.targets, Numbers{3});
  const auto sample = samples.set.load(0);
  EXPECT_EQ(sample.inputs.at("tokens").shape, (graph::Shape{1, 32}));
  EXPECT_EQ(first(sample.inputs.at("tokens"), 6), (Numbers{1, 2, 3, 4, 0, 0}));
  EXPECT_EQ(first(sample.inputs.at("positions"), 6), (Numbers{0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(first(sample.inputs.at("parts"), 6), (Numbers{0, 0, 0, 1, 3, 3}));
  EXPECT_EQ(first(sample.inputs.at("rows"), 4), (Numbers{2, 3, 2, 0}));
  EXPECT_EQ(first(sample.targets, 4), (Numbers{4, 5, 6, 0}));
}

TEST(Pack, SharesNoMoreThanAllInputsHaveInCommon) {
  // Contexts differ behind two tokens, and the continuations are the same.
  const auto items = items_of({{0, {1, 2, 3, 9, 8}, 3}, {0, {1, 2, 4, 7, 9, 8}, 4}});
  const auto packs = packs_of(*items, 1, true, model_of(100));
  ASSERT_EQ(packs.size(), 1u);
  EXPECT_EQ(packs[0].shared, 2);
  const auto sample = samples_of(items, packs).set.load(0);
  EXPECT_EQ(first(sample.inputs.at("tokens"), 7), (Numbers{1, 2, 3, 9, 4, 7, 9}));
  EXPECT_EQ(first(sample.inputs.at("positions"), 7), (Numbers{0, 1, 2, 3, 2, 3, 4}));
  EXPECT_EQ(first(sample.inputs.at("parts"), 7), (Numbers{0, 0, 1, 1, 2, 2, 2}));
  EXPECT_EQ(first(sample.inputs.at("rows"), 4), (Numbers{2, 3, 5, 6}));
  EXPECT_EQ(first(sample.targets, 4), (Numbers{9, 8, 9, 8}));
}

TEST(Pack, KeepsRequestsWithoutACommonBeginningApart) {
  const auto items = items_of({{0, {1, 2}, 1}, {0, {3, 2}, 1}, {1, {4, 5, 6}, 2}});
  const auto packs = packs_of(*items, 2, true, model_of(100));
  ASSERT_EQ(packs.size(), 3u);
  for (const auto& pack : packs) {
    EXPECT_EQ(pack.size, 1u);
    EXPECT_TRUE(pack.bucket.packed);
  }
  EXPECT_EQ(packs[2].first, 2u);
  EXPECT_EQ(packs_of(*items, 1, true, model_of(100)).size(), 2u) << "of the first item";
}

TEST(Pack, RunsEachRequestAtItsLengthWhereNothingMayBeShared) {
  for (const bool may_share : {false, true}) {
    // The model may pack nothing of so many tokens.
    const auto packs = packs_of(*two_choices, 1, may_share, model_of(may_share ? 2 : 100));
    ASSERT_EQ(packs.size(), 2u);
    EXPECT_EQ(packs[0].bucket, (Bucket{4, false, 2, false}));
    EXPECT_EQ(packs[1].bucket, (Bucket{3, false, 1, false}));
    const auto sample = samples_of(two_choices, packs).set.load(0);
    EXPECT_EQ(sample.inputs.size(), 1u);
    EXPECT_EQ(std::get<Numbers>(sample.inputs.at("tokens").values), (Numbers{1, 2, 3, 4}));
    EXPECT_EQ(std::get<Numbers>(sample.targets.values), (Numbers{4, 5}));
  }
}

TEST(Pack, TellsFormatsApartThatSeeWhatRunsTogether) {
  const auto low = [](const char* name) {
    return std::vector{format::by_name("bf16"), format::by_name(name)};
  };
  EXPECT_TRUE(may_share(low("int8")));
  EXPECT_TRUE(may_share(low("fp8_e4m3")));
  EXPECT_TRUE(may_share(low("w4a16_g128")));
  EXPECT_FALSE(may_share(low("mxfp4")));
  EXPECT_FALSE(may_share(low("nvfp4")));
  auto formats = low("int8");
  formats[1].activation->scale = format::ScaleRule::dynamic_max;
  EXPECT_FALSE(may_share(formats));
}

TEST(Pack, DigestsTellRequestsAndWhatTheyShare) {
  const auto ids = [](const std::vector<Request>& requests, bool may_share) {
    const auto items = items_of(requests);
    return samples_of(items, packs_of(*items, 1, may_share, model_of(100))).set.digests;
  };
  const std::vector<Request> one{{0, {1, 2, 3}, 2}};
  EXPECT_EQ(ids(one, true), ids(one, true));
  EXPECT_NE(ids(one, true), ids({{0, {1, 2, 3}, 1}}, true));
  EXPECT_NE(ids(one, true), ids({{0, {1, 2, 4}, 2}}, true)) << "the last target is no input";
  EXPECT_NE(ids(one, true), ids(one, false)) << "bits differ";
}

}  // namespace
}  // namespace gainsweep::pipeline
