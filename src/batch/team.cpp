#include "batch/team.hpp"

#include "base/error.hpp"

namespace gainsweep::batch {
namespace {

std::vector<std::vector<double>> split(const std::vector<std::vector<double>>& of_ranks,
                                       std::size_t num_shards) {
  std::vector<double> all;
  for (const auto& of_rank : of_ranks) all.insert(all.end(), of_rank.begin(), of_rank.end());
  if (num_shards == 0 || all.size() % num_shards != 0)
    throw Error(ErrorKind::internal, std::to_string(all.size()) + " numbers do not fit " +
                                         std::to_string(num_shards) +
                                         " shards of equal length (every rank sums its own)");
  const auto width = static_cast<std::ptrdiff_t>(all.size() / num_shards);
  std::vector<std::vector<double>> shards;
  for (auto begin = all.begin(); shards.size() < num_shards; begin += width)
    shards.emplace_back(begin, begin + width);
  return shards;
}

}  // namespace

Shards own_shards(const Team& team, std::size_t num_shards) {
  const auto rank = static_cast<std::size_t>(team.rank());
  const auto size = static_cast<std::size_t>(team.size());
  return {num_shards * rank / size, num_shards * (rank + 1) / size};
}

// The tree's leaves are shards, not ranks: where one rank's shards end does not matter.
std::vector<double> sum(Team& team, std::size_t num_shards,
                        const std::vector<std::vector<double>>& own) {
  std::vector<double> mine;
  for (const auto& shard : own) mine.insert(mine.end(), shard.begin(), shard.end());
  auto level = split(team.gather(mine), num_shards);
  while (level.size() > 1) {
    std::vector<std::vector<double>> next;
    for (std::size_t i = 0; i < level.size(); i += 2) {
      next.push_back(std::move(level[i]));
      if (i + 1 == level.size()) break;
      for (std::size_t k = 0; k < next.back().size(); ++k) next.back()[k] += level[i + 1][k];
    }
    level = std::move(next);
  }
  return std::move(level.front());
}

}  // namespace gainsweep::batch
