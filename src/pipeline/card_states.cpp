#include "pipeline/card_states.hpp"

#include <algorithm>
#include <set>

#include "archive/field.hpp"
#include "base/text.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::reals, archive::texts;
using execute::CardState, latency::AroundBlock;

std::vector<CardState> in_a_row(const std::vector<AroundBlock>& blocks) {
  std::vector<CardState> states;
  for (const auto& block : blocks) {
    states.push_back(block.before);
    states.push_back(block.after);
  }
  return states;
}

template <class Get>
auto column(const std::vector<CardState>& states, const Get& get) {
  std::vector<decltype(get(states.front()))> values;
  for (const auto& state : states) values.push_back(get(state));
  return values;
}

}  // namespace

batch::Fields card_fields(const std::vector<AroundBlock>& blocks) {
  if (blocks.empty()) return {};
  const auto states = in_a_row(blocks);
  const archive::Axes axes{{"block", blocks.size()}, {"moment", 2}};
  const auto number = [&](double CardState::*member) {
    return column(states, [&](const auto& state) { return state.*member; });
  };
  const auto names = [&](const char* name, std::vector<std::string> CardState::*member,
                         const char* long_name) {
    return texts(name, column(states, [&](const auto& state) { return join(state.*member, ","); }),
                 axes, long_name);
  };
  return {
      reals("card_clock", number(&CardState::clock_hz), axes, "Hz",
            "Clock of the card's processors before and after the block; NaN where nobody tells"),
      reals("card_power", number(&CardState::power_watts), axes, "W", "What the card draws"),
      reals("card_temperature", number(&CardState::temperature_celsius), axes, "degC",
            "Temperature of its chip"),
      names("card_clock_reasons", &CardState::clock_reasons,
            "Why its clock is what it is, in the driver's words, joined by commas"),
      names("card_held_back_by", &CardState::held_back_by,
            "Those that are neither idleness nor a clock that was set")};
}

std::vector<AroundBlock> card_states(const batch::Fields& fields) {
  if (!archive::has(fields, "card_clock")) return {};
  const auto& clocks = reals(fields, "card_clock");
  const auto& powers = reals(fields, "card_power");
  const auto& temperatures = reals(fields, "card_temperature");
  const auto& reasons = texts(fields, "card_clock_reasons");
  const auto& holding = texts(fields, "card_held_back_by");
  std::vector<AroundBlock> blocks(clocks.size() / 2);
  for (std::size_t i = 0; i < 2 * blocks.size(); ++i) {
    auto& state = i % 2 == 0 ? blocks[i / 2].before : blocks[i / 2].after;
    state.clock_hz = clocks[i];
    state.power_watts = powers[i];
    state.temperature_celsius = temperatures[i];
    state.clock_reasons = split(reasons[i], ',');
    state.held_back_by = split(holding[i], ',');
  }
  return blocks;
}

std::int64_t slow_blocks(const latency::Timings& timings) {
  return std::count_if(timings.cards.begin(), timings.cards.end(),
                       [](const auto& card) { return card.is_held_back(); });
}

std::vector<std::string> slow_cards(const std::vector<TimedContest>& contests) {
  std::int64_t slow = 0;
  std::size_t all = 0;
  std::set<std::string> reasons;
  for (const auto& contest : contests) {
    slow += slow_blocks(contest.timings);
    all += contest.timings.cards.size();
    for (const auto& state : in_a_row(contest.timings.cards))
      reasons.insert(state.held_back_by.begin(), state.held_back_by.end());
  }
  if (slow == 0) return {};
  const std::vector<std::string> listed(reasons.begin(), reasons.end());
  return {
      "the card was held back around " + std::to_string(slow) + " of " + std::to_string(all) +
      " blocks of times (" + join(listed) +
      "): they are kept, and marked in card_held_back_by. Set a clock that the card can keep, or "
      "cool it, for times of one speed."};
}

}  // namespace gainsweep::pipeline
