#include "pipeline/consultation.hpp"

#include <set>

#include "archive/field.hpp"

namespace gainsweep::pipeline {
namespace {

/// A strategy's questions in its own words, answered from sources.
class Consultation final : public solve::Asking {
 public:
  Consultation(const Layout& layout, const std::vector<Lowerable>& lowerables,
               const sensitivity::Metric& metric, const Sources& sources)
      : layout_(layout), lowerables_(lowerables), metric_(metric), sources_(sources) {}

  std::optional<solve::Program> program(double threshold) override {
    const auto plans = sources_.program(threshold);
    if (!plans) return std::nullopt;
    return solve::Program{contract(lowerables_, plans->assignments.front()), plans->certificate};
  }

  std::optional<solve::Program> program(const solve::Scores& scores, double limit) override {
    return on({scores, {}, limit, false});
  }

  std::optional<solve::Program> program(const solve::Scores& scores,
                                        const std::vector<solve::Interaction>& interactions,
                                        double part) override {
    return on({scores, interactions, part, true});
  }

  std::optional<std::vector<solve::Quality>> qualities(
      const std::vector<solve::Formats>& plans) override {
    const auto measured = measure(plans);
    if (!measured) return std::nullopt;
    std::vector<solve::Quality> found;
    for (const auto& plan : measured->plans) {
      const auto error = metric_.of(measured->all_high, plan);
      found.push_back({error.value, error.standard_error});
    }
    return found;
  }

  std::optional<std::vector<solve::Change>> changes(
      const std::vector<solve::Formats>& plans) override {
    const auto measured = measure(plans);
    if (!measured) return std::nullopt;
    std::vector<solve::Change> found;
    for (const auto& plan : measured->plans) {
      auto& change = found.emplace_back();
      for (std::size_t i = 0; i < plan.losses.size(); ++i)
        change.loss.push_back(plan.losses[i] - measured->all_high.losses[i]);
      change.divergence = plan.divergences;
      change.noise = plan.noises;
    }
    return found;
  }

  /// Plans that were asked for, each once.
  std::int64_t asked() const { return static_cast<std::int64_t>(asked_.size()); }

 private:
  std::optional<solve::Program> on(const ScoredQuestion& question) const {
    const auto found = sources_.scored(question);
    if (!found) return std::nullopt;
    return solve::Program{contract(lowerables_, found->assignment), found->certificate};
  }

  struct Measured {
    sensitivity::Searched all_high;
    std::vector<sensitivity::Searched> plans;
  };

  std::optional<Measured> measure(const std::vector<solve::Formats>& plans) {
    const auto all_high = sources_.searched(graph::Assignment(layout_.partition.ops.size()));
    std::vector<sensitivity::Searched> found;
    // All are asked for before a missing one ends it: they are measured side by side.
    for (const auto& plan : plans) {
      asked_.insert(plan);
      if (auto searched = sources_.searched(expand(layout_, lowerables_, plan)))
        found.push_back(*std::move(searched));
    }
    if (!all_high || found.size() < plans.size()) return std::nullopt;
    return Measured{*all_high, std::move(found)};
  }

  const Layout& layout_;
  const std::vector<Lowerable>& lowerables_;
  const sensitivity::Metric& metric_;
  const Sources& sources_;
  std::set<solve::Formats> asked_;
};

void append(std::vector<double>& values, const batch::Fields& fields, const std::string& name) {
  if (!archive::has(fields, name)) return;
  const auto& own = archive::reals(fields, name);
  values.insert(values.end(), own.begin(), own.end());
}

}  // namespace

void add(sensitivity::Searched& searched, const batch::Fields& fields) {
  append(searched.losses, fields, "loss");
  append(searched.divergences, fields, "divergence");
  append(searched.noises, fields, "noise");
  append(searched.agreements, fields, "agreement");
  append(searched.top1, fields, "top1");
}

Consulted consult(const Layout& layout, const spec::Spec& spec, const Question& question,
                  const Decision& decision, const Sources& sources) {
  Consultation consultation(layout, decision.lowerables[question.aim],
                            sensitivity::metrics().at(spec.solve.search_metric), sources);
  const auto answer =
      solve::strategies()
          .at(question.how)
          .next(numbers(spec, decision, question.aim), question.threshold, consultation);
  if (!answer) return {};
  auto plans = describe(layout, spec, question, decision, *answer);
  if (consultation.asked() > 0) {
    plans.asked = consultation.asked();
    plans.passes += consultation.asked() + 1;  // all-high beside them
  }
  return {std::move(plans), answer->is_program};
}

}  // namespace gainsweep::pipeline
