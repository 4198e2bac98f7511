#include "solve/incumbent.hpp"

#include <algorithm>
#include <limits>

#include "solve/selection.hpp"

namespace gainsweep::solve {
namespace {

constexpr double least_repair = 1e-12;  // share of a limit: above rounding, so that repairs end

/// A selection that is changed one choice at a time.
class Repair {
 public:
  Repair(const Problem& problem, const std::vector<std::size_t>& start)
      : problem_(problem), choices_(start), used_(total_cost(problem.groups, start)) {
    for (std::size_t resource = 0; resource < problem.limits.size(); ++resource) {
      const double limit = problem.limits[resource];
      room_[resource] = limit - rounding_slack(problem.groups, resource, limit);
    }
  }

  /// Whether the selection now is within the limits.
  bool remove_excess() {
    while (excess(used_) > 0) {
      const double before = excess(used_);
      const bool changed = change([&](const Choice& from, const Choice& to) {
        const double removed = before - excess(after(from, to));
        if (removed <= least_repair) return nothing;
        const double lost = static_cast<double>(from.gain - to.gain);
        // Changes that lose nothing come first, then those that lose least for what they remove.
        return lost <= 0 ? removed : -lost / removed;
      });
      if (!changed) break;
    }
    return fits(total_cost(problem_.groups, choices_), problem_.limits);
  }

  void add_gain() {
    const auto gained = [&](const Choice& from, const Choice& to) {
      if (to.gain <= from.gain || excess(after(from, to)) > 0) return nothing;
      return static_cast<double>(to.gain - from.gain);
    };
    while (change(gained)) {
    }
  }

  const std::vector<std::size_t>& choices() const { return choices_; }

 private:
  static constexpr double nothing = -std::numeric_limits<double>::infinity();

  /// What is over the limits, each in units of its limit.
  double excess(const Resources& used) const {
    double sum = 0;
    for (std::size_t resource = 0; resource < problem_.limits.size(); ++resource) {
      const double over = used[resource] - room_[resource];
      if (over > 0) sum += over / problem_.limits[resource];
    }
    return sum;
  }

  Resources after(const Choice& from, const Choice& to) const {
    Resources used = used_;
    for (std::size_t resource = 0; resource < used.size(); ++resource) {
      used[resource] += to.cost[resource] - from.cost[resource];
    }
    return used;
  }

  /// Makes the change of the best score; false when no score is above `nothing`.
  template <class Score>
  bool change(Score score) {
    double best = nothing;
    std::size_t group = 0;
    std::size_t choice = 0;
    for (std::size_t g = 0; g < choices_.size(); ++g) {
      const auto& choices = problem_.groups[g];
      for (std::size_t p = 0; p < choices.size(); ++p) {
        if (p == choices_[g] || !fits(choices[p].cost, problem_.limits)) continue;
        const double value = score(choices[choices_[g]], choices[p]);
        if (value <= best) continue;
        best = value;
        group = g;
        choice = p;
      }
    }
    if (best == nothing) return false;
    choices_[group] = choice;
    used_ = total_cost(problem_.groups, choices_);
    return true;
  }

  const Problem& problem_;
  std::vector<std::size_t> choices_;
  Resources used_;
  Resources room_{};
};

}  // namespace

std::optional<std::vector<std::size_t>> repair(const Problem& problem,
                                               const std::vector<std::size_t>& start) {
  Repair repaired(problem, start);
  if (!repaired.remove_excess()) return std::nullopt;
  repaired.add_gain();
  if (!fits(total_cost(problem.groups, repaired.choices()), problem.limits)) return std::nullopt;
  return repaired.choices();
}

}  // namespace gainsweep::solve
