#include "pipeline/consultation.hpp"

#include "sensitivity/measured_error.hpp"

namespace gainsweep::pipeline {
namespace {

/// A strategy's questions in its own words, answered from sources.
class Consultation final : public solve::Asking {
 public:
  Consultation(const Layout& layout, const std::vector<Lowerable>& lowerables,
               const Sources& sources)
      : layout_(layout), lowerables_(lowerables), sources_(sources) {}

  std::optional<solve::Program> program(double threshold) override {
    const auto plans = sources_.program(threshold);
    if (!plans) return std::nullopt;
    return solve::Program{contract(lowerables_, plans->assignments.front()), plans->certificate};
  }

  std::optional<std::vector<solve::Quality>> qualities(
      const std::vector<solve::Formats>& plans) override {
    asked_ += static_cast<std::int64_t>(plans.size());
    const auto all_high = sources_.losses(graph::Assignment(layout_.partition.ops.size()));
    std::vector<solve::Quality> found;
    // All are asked for before a missing one ends it: they are measured side by side.
    for (const auto& plan : plans) {
      const auto losses = sources_.losses(expand(layout_, lowerables_, plan));
      if (!losses || !all_high) continue;
      const auto error = sensitivity::measured_error(*all_high, *losses);
      found.push_back({error.value, error.standard_error});
    }
    if (found.size() < plans.size()) return std::nullopt;
    return found;
  }

  /// Plans whose quality was asked for.
  std::int64_t asked() const { return asked_; }

 private:
  const Layout& layout_;
  const std::vector<Lowerable>& lowerables_;
  const Sources& sources_;
  std::int64_t asked_ = 0;
};

}  // namespace

Consulted consult(const Layout& layout, const spec::Spec& spec, const Question& question,
                  const Decision& decision, const Sources& sources) {
  Consultation consultation(layout, decision.lowerables[question.aim], sources);
  const auto answer =
      solve::strategies()
          .at(question.how)
          .next(numbers(spec, decision, question.aim), question.threshold, consultation);
  if (!answer) return {};
  auto plans = describe(layout, spec, question, decision, *answer);
  if (consultation.asked() > 0) plans.asked = consultation.asked();
  return {std::move(plans), answer->is_program};
}

}  // namespace gainsweep::pipeline
