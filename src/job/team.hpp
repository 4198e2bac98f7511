#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "batch/team.hpp"
#include "parallel/comm.hpp"

namespace gainsweep::job {

/// Why a unit failed.
struct Reason {
  ErrorKind kind = ErrorKind::internal;
  std::string text;
};

/// All ranks, as the team of one unit after another. However a rank leaves the unit's work, the
/// others learn of it at their next step.
class RankTeam final : public batch::Team {
 public:
  explicit RankTeam(const parallel::Comm& comm) : comm_(comm) {}

  int rank() const override { return comm_.rank(); }
  int size() const override { return comm_.size(); }
  std::vector<std::vector<double>> gather(std::span<const double> own) override;

  /// Collective, when a unit's work is over on this rank: why the unit failed, of the lowest rank
  /// that has a reason of its own; nothing when it went well everywhere. `own` is this rank's.
  std::optional<Reason> close(const std::optional<Reason>& own);

 private:
  enum class Step { numbers, done, failed };
  std::vector<std::vector<double>> step(Step step, std::span<const double> own);

  const parallel::Comm& comm_;
  bool broken_ = false;            // some rank is not at the same step
  bool failed_elsewhere_ = false;  // and said that it failed
};

}  // namespace gainsweep::job
