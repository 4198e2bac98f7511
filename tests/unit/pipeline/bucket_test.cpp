#include "pipeline/bucket.hpp"

#include <gtest/gtest.h>

namespace gainsweep::pipeline {
namespace {

TEST(ByBucket, KeepsWhatWasAskedForLast) {
  ByBucket<std::int64_t> kept;
  std::int64_t made = 0;
  const auto get = [&](std::int64_t length) {
    return kept.get({length}, [&] { return 100 * ++made + length; });
  };
  EXPECT_TRUE(kept.empty());
  for (std::int64_t length = 1; length <= std::int64_t{most_buckets}; ++length) get(length);
  const auto all = made;
  EXPECT_EQ(get(1), 101) << "kept, and now the last that goes";
  EXPECT_EQ(kept.get({1, true}, [] { return std::int64_t{7}; }), 7) << "another bucket";
  EXPECT_EQ(kept.last(), 7);
  EXPECT_EQ(get(1), 101);
  EXPECT_EQ(made, all);
  get(2);
  EXPECT_EQ(made, all + 1) << "it had to go";
  kept.clear();
  EXPECT_TRUE(kept.empty());
}

}  // namespace
}  // namespace gainsweep::pipeline
