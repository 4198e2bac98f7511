#include "batch/team.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.hpp"

namespace gainsweep::batch {
namespace {

/// One rank of several whose other ranks' numbers are known.
class Rank final : public Team {
 public:
  Rank(int rank, const std::vector<std::vector<double>>& all) : rank_(rank), all_(all) {}
  int rank() const override { return rank_; }
  int size() const override { return static_cast<int>(all_.size()); }
  std::vector<std::vector<double>> gather(std::span<const double> own) override {
    EXPECT_EQ(std::vector<double>(own.begin(), own.end()), all_[static_cast<std::size_t>(rank_)]);
    return all_;
  }

 private:
  int rank_;
  const std::vector<std::vector<double>>& all_;
};

std::vector<std::vector<double>> random_shards(std::size_t shards, std::size_t width) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(-30, 30);
  std::vector<std::vector<double>> all(shards, std::vector<double>(width));
  for (auto& shard : all)
    for (auto& value : shard) value = std::exp(exponent(random));
  return all;
}

// The sum as each of `size` ranks gets it.
std::vector<std::vector<double>> sums(const std::vector<std::vector<double>>& shards, int size) {
  std::vector<std::vector<double>> flat(static_cast<std::size_t>(size));
  std::vector<std::vector<std::vector<double>>> own(flat.size());
  for (int rank = 0; rank < size; ++rank) {
    const auto place = static_cast<std::size_t>(rank);
    const auto range = own_shards(Rank(rank, flat), shards.size());
    for (auto s = range.first; s < range.last; ++s) {
      own[place].push_back(shards[s]);
      flat[place].insert(flat[place].end(), shards[s].begin(), shards[s].end());
    }
  }
  std::vector<std::vector<double>> results;
  for (int rank = 0; rank < size; ++rank) {
    Rank team(rank, flat);
    results.push_back(sum(team, shards.size(), own[static_cast<std::size_t>(rank)]));
  }
  return results;
}

TEST(Team, ShardsAreSharedOutOnceInOrder) {
  for (const int size : {1, 2, 3, 5, 8, 13}) {
    const std::vector<std::vector<double>> none(static_cast<std::size_t>(size));
    std::size_t next = 0;
    for (int rank = 0; rank < size; ++rank) {
      const auto shards = own_shards(Rank(rank, none), 8);
      EXPECT_EQ(shards.first, next);
      next = shards.last;
    }
    EXPECT_EQ(next, 8u);
  }
}

TEST(Team, SumsHaveEqualBitsAtAnyNumberOfRanks) {
  for (const std::size_t num_shards : {1u, 2u, 3u, 7u, 8u, 16u}) {
    const auto shards = random_shards(num_shards, 5);
    const auto alone = sums(shards, 1).front();
    for (const int size : {2, 3, 4, 8, 11})
      for (const auto& result : sums(shards, size)) EXPECT_EQ(result, alone) << num_shards;
  }
}

TEST(Team, SumsAddInShardOrderAsATree) {
  // ((1 + -1) + (2⁶⁰ + 1)) differs from a sum from left to right, which is exact here.
  const double large = std::ldexp(1, 60);
  const auto result = sums({{1}, {large}, {-large}, {1}}, 2).front();
  EXPECT_EQ(result, std::vector<double>{(1 + large) + (-large + 1)});
  EXPECT_NE(result.front(), 2);
}

TEST(Team, RefusesShardsOfUnequalLength) {
  Alone alone;
  try {
    sum(alone, 2, {{1, 2}, {3}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_NE(std::string(error.what()).find("3 numbers do not fit 2 shards"), std::string::npos);
  }
}

}  // namespace
}  // namespace gainsweep::batch
