#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "parallel/comm.hpp"

namespace gainsweep::parallel {

/// Units [first, last) of those shared out.
struct Range {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Shares out the units 0…n-1 over the ranks as they ask for them, each exactly once. A thread of
/// the root answers, so a busy root keeps nobody waiting; the root itself takes units without MPI.
/// A rank gets as many units at once as it lately did in about a quarter of a second, fewer
/// towards the end, so a slow rank delays nobody. Units from `kindred` on are handed out in long
/// rows, however long they take: a single rank gets all of them, several get shorter and shorter
/// ones. Ranks that should stay idle call `finish` at once.
class Sharing {
 public:
  /// Collective. `stop_wanted`, if any, is asked between units and while waiting: once it is true
  /// on any rank, nobody is handed further units.
  Sharing(const Comm& comm, std::size_t num_units, std::function<bool()> stop_wanted = {},
          std::size_t kindred = std::numeric_limits<std::size_t>::max());
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;
  /// Local. Without `finish` (an error is on its way out) the job must be aborted.
  ~Sharing();

  /// Local. This rank's next units; nothing when all were handed out or somebody stopped.
  std::optional<Range> next();
  /// Local, on the root: units that were handed out and are known to be over.
  std::size_t over() const;
  /// Collective. Returns when every rank has called it; whether somebody stopped. `meanwhile`, if
  /// any, is called every few milliseconds of the wait.
  bool finish(const std::function<void()>& meanwhile = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gainsweep::parallel
