#pragma once

#include <cstddef>
#include <span>
#include <vector>

/// The nouns of batch experiments: units of work with keys, who may run them, what is known of
/// them, and the stages that name them. No MPI, no files, no domain.
namespace gainsweep::batch {

/// The ranks that run one unit: all of them for Placement::together, this one alone otherwise.
class Team {
 public:
  virtual ~Team() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Collective within the unit. Every rank's numbers in rank order, on every rank. When the unit
  /// failed on any rank, all of them throw here, so that nobody waits for ever.
  virtual std::vector<std::vector<double>> gather(std::span<const double> own) = 0;
};

/// This rank alone.
class Alone final : public Team {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::vector<std::vector<double>> gather(std::span<const double> own) override {
    return {{own.begin(), own.end()}};
  }
};

/// The shards [first, last) that a rank works on: a block of consecutive ones, none where there are
/// more ranks than shards.
struct Shards {
  std::size_t first = 0;
  std::size_t last = 0;
};
Shards own_shards(const Team& team, std::size_t num_shards);

/// Collective within the unit. The sum of all shards' numbers as a binary tree over the shards, so
/// that bits are equal at every number of ranks. `own` holds the numbers of this rank's shards in
/// order, equally many of each shard. Error(internal) when they are not.
std::vector<double> sum(Team& team, std::size_t num_shards,
                        const std::vector<std::vector<double>>& own);

}  // namespace gainsweep::batch
