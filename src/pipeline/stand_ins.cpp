#include "pipeline/stand_ins.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "digest/digest.hpp"
#include "pipeline/lowerable.hpp"
#include "solve/strategy.hpp"

namespace gainsweep::pipeline {
namespace {

/// Answers with made-up plans; qualities are not known.
class Made : public solve::Asking {
 public:
  using Budget = std::function<double(double threshold)>;

  Made(const solve::OpFormats& ops, Budget budget, std::string objective)
      : ops_(ops), budget_(std::move(budget)), objective_(std::move(objective)) {}

  std::optional<solve::Program> program(double threshold) override {
    std::vector<std::pair<std::string, std::size_t>> order;
    for (std::size_t op = 0; op < ops_.size(); ++op)
      order.emplace_back(digest::of_text(objective_ + std::to_string(op)), op);
    std::sort(order.begin(), order.end());
    solve::Formats formats(ops_.size(), high_format.index);
    for (std::size_t i = 0; i < order.size() && static_cast<double>(i) < budget_(threshold); ++i) {
      const auto& low = ops_[order[i].second];
      if (!low.empty()) formats[order[i].second] = low[i % low.size()].format;
    }
    return solve::Program{formats, {}};
  }

  std::optional<std::vector<solve::Quality>> qualities(
      const std::vector<solve::Formats>&) override {
    return std::nullopt;
  }

  std::optional<solve::Program> program(const solve::Scores&, double) override {
    return std::nullopt;
  }

  std::optional<solve::Program> program(const solve::Scores&,
                                        const std::vector<solve::Interaction>&, double) override {
    return std::nullopt;
  }

  std::optional<std::vector<solve::Change>> changes(const std::vector<solve::Formats>&) override {
    return std::nullopt;
  }

 private:
  const solve::OpFormats& ops_;
  Budget budget_;
  std::string objective_;
};

solve::Formats answer(const solve::Numbers& numbers, const Question& question, Made& made) {
  if (question.how != solve::exact_strategy) {
    const auto found = solve::strategies().at(question.how).next(numbers, question.threshold, made);
    if (found && !found->plans.empty()) return found->plans.front();
  }
  return made.program(question.threshold)->formats;
}

}  // namespace

std::vector<graph::Assignment> stand_ins(const Layout& layout, const spec::Spec& spec,
                                         const std::vector<Question>& questions) {
  const auto all = lowerables(layout);
  const auto every = aims(spec.solve);
  solve::Numbers numbers;
  numbers.ops = formats_of(all);
  for (auto& formats : numbers.ops)
    for (auto& low : formats) low.cost = {1};
  numbers.seed = static_cast<std::uint64_t>(spec.solve.seed);
  std::set<graph::Assignment> plans;
  for (const auto& question : questions) {
    const auto& aim = every[question.aim];
    numbers.budget = [&](double threshold) {
      const auto rank = std::count_if(aim.grid.begin(), aim.grid.end(), [&](double other) {
        return aim.is_budget() ? other >= threshold : other <= threshold;
      });
      return static_cast<double>(rank) / static_cast<double>(aim.grid.size() + 1) *
             static_cast<double>(numbers.ops.size());
    };
    Made made(numbers.ops, numbers.budget, aim.objective);
    plans.insert(expand(layout, all, answer(numbers, question, made)));
  }
  return {plans.begin(), plans.end()};
}

}  // namespace gainsweep::pipeline
