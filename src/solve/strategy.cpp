#include "solve/strategy.hpp"

#include <utility>

#include "solve/ladder.hpp"
#include "solve/score.hpp"

namespace gainsweep::solve {
namespace {

std::optional<Answer> ip(const Numbers&, double threshold, Asking& asking) {
  const auto program = asking.program(threshold);
  if (!program) return std::nullopt;
  return Answer{{program->formats}, *program->certificate, /*is_program=*/true};
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

/// The last plan of a selection on scores whose measured quality holds.
Strategy searching(std::string name, std::string help, const Score& score,
                   const Selection& selection) {
  Strategy strategy{std::move(name), std::move(help)};
  strategy.next = [&score, &selection](const Numbers& numbers, double threshold,
                                       Asking& asking) -> std::optional<Answer> {
    const auto scored = score.of(numbers, asking);
    if (!scored) return std::nullopt;
    const auto ladder = selection.ladder(numbers, *scored, asking);
    const auto found = bisect(numbers, ladder, threshold, asking);
    if (!found) return std::nullopt;
    Answer answer{{found->program.formats}, found->program.certificate};
    answer.reliability = scored->reliability;
    answer.quality = found->quality;
    return answer;
  };
  strategy.most_asked = [&score, &selection](const Numbers& numbers) {
    const auto measured = most_measured(numbers, selection.steps(numbers));
    MostAsked most{.programs = selection.asks_programs ? measured : 0, .qualities = measured};
    most.qualities += score.measured(numbers.ops);
    return most;
  };
  strategy.uses_loss_errors = score.name == "first_order";
  return strategy;
}

}  // namespace

Table<Strategy>& strategies() {
  static Table<Strategy> table{
      {exact_strategy, "the exact integer program", ip,
       [](const Numbers&) { return MostAsked{.programs = 1}; }, /*keeps_constraints=*/true},
      {"prefix", "ops in order, to the first that does not fit", prefix_plan, nothing},
      {"random", "ops in random orders, to the first that does not fit", random_plans, nothing},
      searching("ip_measured", "the last exact plan on loss errors whose measured error holds",
                scores().at("first_order"), selections().at("exact")),
      searching("single_loss", "the same on what each op alone adds to the loss",
                scores().at("single_loss"), selections().at("exact")),
      searching("single_kl", "the same on the divergence that each op alone causes",
                scores().at("single_kl"), selections().at("exact")),
      searching("clado", "the last plan of least added loss, pairs included, that holds measured",
                scores().at("pair_loss"), selections().at("quadratic")),
      searching("amp", "ops by rising noise alone, the last plan whose measured error holds",
                scores().at("sqnr"), selections().at("order")),
  };
  return table;
}

}  // namespace gainsweep::solve
