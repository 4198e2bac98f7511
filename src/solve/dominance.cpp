#include "solve/dominance.hpp"

#include <algorithm>
#include <string>

#include "base/error.hpp"

namespace gainsweep::solve {
namespace {

// 24 bytes a state; a model of a hundred sub-graphs stays a thousand times below.
constexpr std::size_t largest_layer = std::size_t{1} << 24;

bool precedes(const Selections::State& a, const Selections::State& b) {
  return a.gain != b.gain ? a.gain > b.gain : a.cost < b.cost;
}

}  // namespace

/// Keeps the non-dominated ones of states that arrive by falling gain, then rising cost.
class Selections::Sweep {
 public:
  Sweep(const Chains& chains, double tie, std::vector<State>& kept)
      : chains_(chains), tie_(tie), kept_(kept) {}

  void add(const State& state) {
    if (kept_.empty() || state.gain < kept_.back().gain) {
      start_gain(state);
    } else {
      continue_gain(state);
    }
  }

 private:
  void start_gain(const State& state) {
    const double least = kept_.empty() ? above_ : kept_[head_].cost;
    if (state.cost >= least) return;
    above_ = least;
    head_ = kept_.size();
    kept_.push_back(state);
  }

  void continue_gain(const State& state) {
    State& last = kept_.back();
    if (state.cost >= above_ || state.cost - kept_[head_].cost > tie_) return;
    if (!chains_.comes_first(state.last, last.last)) return;
    if (state.cost == last.cost) {
      last = state;
    } else {
      kept_.push_back(state);
    }
  }

  const Chains& chains_;
  double tie_;
  std::vector<State>& kept_;
  std::size_t head_ = 0;  // the cheapest state of the current gain
  double above_ = std::numeric_limits<double>::infinity();  // least cost of a larger gain
};

std::vector<Selections::State> Selections::useful(const std::vector<Choice>& group,
                                                  const std::vector<std::uint32_t>& allowed,
                                                  double tie) const {
  std::vector<State> sorted;
  sorted.reserve(allowed.size());
  for (const std::uint32_t index : allowed) {
    sorted.push_back({group[index].gain, group[index].cost.front(), {0, index}});
  }
  std::stable_sort(sorted.begin(), sorted.end(), precedes);
  std::vector<State> kept;
  Sweep sweep(chains_, tie, kept);
  for (const State& state : sorted) sweep.add(state);
  return kept;
}

void Selections::merge(const State& choice, const Limit& limit, double tie,
                       const std::vector<State>& kept, std::vector<State>& merged) const {
  merged.clear();
  Sweep sweep(chains_, tie, merged);
  auto next = kept.begin();
  for (std::size_t parent = 0; parent < states_.size(); ++parent) {
    const State state{states_[parent].gain + choice.gain,
                      states_[parent].cost + choice.cost,
                      {static_cast<std::uint32_t>(parent), choice.last.choice}};
    if (state.cost > limit.largest_cost) continue;
    if (static_cast<double>(state.gain) - limit.price * state.cost < limit.least_value) continue;
    while (next != kept.end() && precedes(*next, state)) sweep.add(*next++);
    sweep.add(state);
  }
  while (next != kept.end()) sweep.add(*next++);
}

void Selections::extend(const std::vector<Choice>& group, const std::vector<std::uint32_t>& allowed,
                        const Limit& limit, double tie) {
  std::vector<State> kept;
  std::vector<State> merged;
  for (const State& choice : useful(group, allowed, tie)) {
    merge(choice, limit, tie, kept, merged);
    kept.swap(merged);
    if (kept.size() > largest_layer) {
      throw Error(ErrorKind::config,
                  "more than " + std::to_string(largest_layer) +
                      " selections are Pareto-optimal (after " +
                      std::to_string(chains_.num_groups() + 1) +
                      " sub-graphs). Ask for single thresholds instead of a whole frontier.");
    }
  }
  states_ = std::move(kept);
  std::vector<Chains::Step> layer;
  layer.reserve(states_.size());
  for (const State& state : states_) layer.push_back(state.last);
  chains_.add(std::move(layer));
}

}  // namespace gainsweep::solve
