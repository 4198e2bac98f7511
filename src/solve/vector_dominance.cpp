#include "solve/vector_dominance.hpp"

#include <algorithm>
#include <array>
#include <boost/geometry/algorithms/intersects.hpp>
#include <boost/geometry/geometries/adapted/std_array.hpp>
#include <boost/geometry/geometries/box.hpp>
#include <boost/geometry/index/rtree.hpp>
#include <functional>
#include <queue>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "solve/bounds.hpp"

BOOST_GEOMETRY_REGISTER_STD_ARRAY_CS(cs::cartesian)

namespace gainsweep::solve {
namespace {

using State = VectorSelections::State;
namespace index = boost::geometry::index;

// 48 bytes a state and about as many in the tree of the group that is being added.
constexpr std::size_t largest_layer = std::size_t{1} << 22;

bool within(const Resources& a, const Resources& b) {
  for (std::size_t resource = 0; resource < a.size(); ++resource) {
    if (a[resource] > b[resource]) return false;
  }
  return true;
}

/// The choices of a group that no other one of it makes superfluous, whatever came before.
std::vector<std::uint32_t> useful(const std::vector<Choice>& group, double tie) {
  std::vector<std::uint32_t> kept;
  for (std::uint32_t place = 0; place < group.size(); ++place) {
    const Choice& choice = group[place];
    bool dominated = false;
    for (std::uint32_t other = 0; other < group.size() && !dominated; ++other) {
      const Choice& rival = group[other];
      if (other == place || rival.gain < choice.gain || !within(rival.cost, choice.cost)) continue;
      dominated = rival.gain > choice.gain || other < place ||
                  choice.cost.front() - rival.cost.front() > tie;
    }
    if (!dominated) kept.push_back(place);
  }
  return kept;
}

/// All selections of the groups so far with one choice of the next group, in the order of their
/// parents; those that break the limits are passed over.
class Cursor {
 public:
  Cursor(const std::vector<State>& parents, const Choice& choice, std::uint32_t place,
         const VectorLimit& limit, std::size_t num_resources)
      : parents_(&parents),
        choice_(&choice),
        limit_(&limit),
        num_resources_(num_resources),
        state_{0, {}, {0, place}} {
    settle();
  }

  bool ended() const { return state_.last.parent == parents_->size(); }
  const State& state() const { return state_; }

  void advance() {
    ++state_.last.parent;
    settle();
  }

 private:
  void settle() {
    for (; !ended(); ++state_.last.parent) {
      const State& parent = (*parents_)[state_.last.parent];
      state_.gain = parent.gain + choice_->gain;
      for (std::size_t resource = 0; resource < num_resources_; ++resource) {
        state_.cost[resource] = parent.cost[resource] + choice_->cost[resource];
      }
      if (within(state_.cost, limit_->largest_cost) && is_above_floors()) return;
    }
  }

  bool is_above_floors() const {
    for (const Floor& floor : limit_->floors) {
      if (priced(state_.gain, state_.cost, floor.price, num_resources_) < floor.least_value) {
        return false;
      }
    }
    return true;
  }

  const std::vector<State>* parents_;
  const Choice* choice_;
  const VectorLimit* limit_;
  std::size_t num_resources_;
  State state_;
};

bool gains_less(const Cursor& a, const Cursor& b) {
  return a.state().gain < b.state().gain;
}

/// Keeps the non-dominated ones of states that arrive by falling gain, all of one gain at a time.
template <std::size_t num_resources>
class Front {
 public:
  Front(const Chains& chains, const VectorLimit& limit) : chains_(chains), limit_(limit) {}

  void add(std::vector<State>& equals) {
    std::sort(equals.begin(), equals.end(),
              [&](const State& a, const State& b) { return precedes(a, b); });
    for (const State& state : equals) {
      const Point point = counted(state);
      if (is_dominated(state, point)) continue;
      tree_.insert({point, static_cast<std::uint32_t>(kept_.size())});
      kept_.push_back(state);
    }
  }

  std::vector<State>& kept() { return kept_; }

 private:
  using Point = std::array<double, num_resources>;
  using Entry = std::pair<Point, std::uint32_t>;

  /// What counts of a state's cost.
  Point counted(const State& state) const {
    Point point{};
    for (std::size_t resource = 0; resource < num_resources; ++resource) {
      const double cost = state.cost[resource];
      point[resource] = cost <= limit_.harmless[resource] ? 0 : cost;
    }
    return point;
  }

  /// Among equal gains, those that may dominate others come before them.
  bool precedes(const State& a, const State& b) const {
    if (a.cost.front() != b.cost.front()) return a.cost.front() < b.cost.front();
    const Point left = counted(a);
    const Point right = counted(b);
    return left != right ? left < right : chains_.comes_first(a.last, b.last);
  }

  /// Whether a state that costs no more of anything that counts makes another one superfluous.
  bool dominates(const State& a, const State& b) const {
    if (a.gain > b.gain) return true;
    const double saved = b.cost.front() - a.cost.front();
    return saved >= 0 && (saved > limit_.tie || chains_.comes_first(a.last, b.last));
  }

  bool is_dominated(const State& state, const Point& point) const {
    const boost::geometry::model::box<Point> below(Point{}, point);
    const auto dominating = [&](const Entry& entry) {
      return dominates(kept_[entry.second], state);
    };
    return tree_.qbegin(index::intersects(below) && index::satisfies(dominating)) != tree_.qend();
  }

  const Chains& chains_;
  const VectorLimit& limit_;
  std::vector<State> kept_;
  index::rtree<Entry, index::linear<16>> tree_;
};

}  // namespace

VectorLimit make_limit(const std::vector<double>& limits, const Resources& slack,
                       const Resources& least, const Resources& most, bool last) {
  VectorLimit result;
  result.floors.resize(1);
  for (std::size_t resource = 0; resource < limits.size(); ++resource) {
    const double whole = limits[resource];
    result.largest_cost[resource] =
        last ? whole : std::min(whole, whole - least[resource] + slack[resource]);
    result.harmless[resource] = last ? whole : whole - most[resource] - slack[resource];
  }
  result.tie = last ? 0 : slack.front();
  return result;
}

template <std::size_t num_resources>
std::vector<State> VectorSelections::sweep(const std::vector<Choice>& group,
                                           const VectorLimit& limit) const {
  std::priority_queue<Cursor, std::vector<Cursor>, decltype(&gains_less)> cursors(gains_less);
  for (const std::uint32_t place : useful(group, limit.tie)) {
    const Cursor cursor(states_, group[place], place, limit, num_resources);
    if (!cursor.ended()) cursors.push(cursor);
  }
  Front<num_resources> front(chains_, limit);
  std::vector<State> equals;
  while (!cursors.empty()) {
    equals.clear();
    const std::int64_t gain = cursors.top().state().gain;
    while (!cursors.empty() && cursors.top().state().gain == gain) {
      Cursor cursor = cursors.top();
      cursors.pop();
      for (; !cursor.ended() && cursor.state().gain == gain; cursor.advance()) {
        equals.push_back(cursor.state());
      }
      if (!cursor.ended()) cursors.push(cursor);
    }
    front.add(equals);
    if (front.kept().size() > largest_layer) {
      throw Error(ErrorKind::config,
                  "more than " + std::to_string(largest_layer) +
                      " selections are Pareto-optimal (after " +
                      std::to_string(chains_.num_groups() + 1) +
                      " sub-graphs). Ask for single thresholds instead of a whole frontier.");
    }
  }
  return std::move(front.kept());
}

/// Keeps the states of most value, in their order.
void VectorSelections::cut(const VectorLimit& limit) {
  complete_ = false;
  const auto value = [&](const State& state) {
    return priced(state.gain, state.cost, limit.floors.front().price, num_resources_);
  };
  std::vector<double> values;
  values.reserve(states_.size());
  for (const State& state : states_) values.push_back(value(state));
  const auto last = values.begin() + static_cast<std::ptrdiff_t>(most_states_ - 1);
  std::nth_element(values.begin(), last, values.end(), std::greater<>());
  const double least = *last;
  std::erase_if(states_, [&](const State& state) { return value(state) < least; });
  states_.resize(std::min(states_.size(), most_states_));
}

void VectorSelections::extend(const std::vector<Choice>& group, const VectorLimit& limit) {
  static_assert(most_resources == 4);
  if (num_resources_ == 2) {
    states_ = sweep<2>(group, limit);
  } else if (num_resources_ == 3) {
    states_ = sweep<3>(group, limit);
  } else {
    states_ = sweep<4>(group, limit);
  }
  if (states_.size() > most_states_) cut(limit);
  std::vector<Chains::Step> layer;
  layer.reserve(states_.size());
  for (const State& state : states_) layer.push_back(state.last);
  chains_.add(std::move(layer));
}

}  // namespace gainsweep::solve
