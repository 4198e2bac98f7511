#include "solve/strategy.hpp"

namespace gainsweep::solve {
namespace {

std::optional<Answer> ip(const Numbers&, double threshold, Asking& asking) {
  const auto program = asking.program(threshold);
  if (!program) return std::nullopt;
  return Answer{{program->formats}, program->certificate, /*is_program=*/true};
}

std::optional<Answer> prefix_plan(const Numbers& numbers, double threshold, Asking&) {
  return Answer{{prefix(numbers.ops, {numbers.budget(threshold)})}};
}

std::optional<Answer> random_plans(const Numbers& numbers, double threshold, Asking&) {
  const std::vector<double> limits{numbers.budget(threshold)};
  Answer answer;
  for (std::uint64_t draw = 0; draw < numbers.draws; ++draw)
    answer.plans.push_back(random(numbers.ops, limits, numbers.seed, draw));
  return answer;
}

MostAsked nothing(const Numbers&) {
  return {};
}

}  // namespace

Table<Strategy>& strategies() {
  static Table<Strategy> table{
      {exact_strategy, "the exact integer program", ip,
       [](const Numbers&) { return MostAsked{.programs = 1}; }, /*keeps_constraints=*/true},
      {"prefix", "ops in order, to the first that does not fit", prefix_plan, nothing},
      {"random", "ops in random orders, to the first that does not fit", random_plans, nothing},
  };
  return table;
}

}  // namespace gainsweep::solve
