#include "pipeline/relay.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "execute/inputs.hpp"
#include "pipeline/scales.hpp"

namespace gainsweep::pipeline {
namespace {

bool is_high(const Rounding& rounding) {
  const auto& formats = rounding.assignment;
  return std::all_of(formats.begin(), formats.end(),
                     [](auto format) { return format == high_format; });
}

}  // namespace

std::string kin_of(const std::string& batch, const Rounding& rounding) {
  auto kin = batch + (rounding.scales == Scales::observed ? ":" : "!");
  for (const auto format : rounding.assignment) kin += static_cast<char>('a' + format.index);
  return kin;
}

std::size_t legs_alike(const std::vector<Leg>& legs, std::size_t num_ops, std::string_view a,
                       std::string_view b) {
  const auto header = a.size() - num_ops;
  const auto differs = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  const auto alike = static_cast<std::size_t>(differs - a.begin());
  auto leg = alike < header ? 0 : legs.size() - 1;
  while (leg > 0 && header + legs[leg].ops_before > alike) --leg;
  return leg;
}

/// One plan on its way through a part of a batch.
struct Relay::Runner {
  const Rounding* rounding = nullptr;
  std::string kin{};
  std::size_t leg = 0;  ///< the next one
  Values values{};      ///< that enter it, by sample of the part
  bool rests = false;   ///< its outcomes are known

  std::size_t header() const { return kin.size() - rounding->assignment.size(); }
  /// Names what enters a leg: equal for equal values.
  std::string origin(const std::vector<Leg>& legs, std::size_t place) const {
    return kin.substr(0, header() + legs[place].ops_before) + "@" + std::to_string(place);
  }
};

/// A batch's way through the legs, part by part.
struct Relay::Pass {
  const Batch& batch;
  std::span<const Rounding> roundings;
  const lower::Maxima& maxima;
  const Room& room;
  const Take& take;
  std::size_t first = 0;                 ///< place of the part's first sample in the batch
  std::vector<model::Sample> samples{};  ///< of the part
  std::vector<const Course*> courses{};  ///< theirs
  std::vector<Runner> runners{};
  std::set<std::string> keep{};  ///< origins

  /// Courses differ in lengths alone.
  const std::vector<Leg>& legs() const { return courses.front()->legs; }

  std::string outcome_name(std::size_t sample) const {
    return batch.digest + std::to_string(batch.samples[first + sample]);
  }
  bool knows(const std::map<std::string, execute::Outcome>& outcomes, const Runner& runner,
             std::size_t sample) const {
    return is_high(*runner.rounding) && outcomes.contains(outcome_name(sample));
  }
};

Relay::Relay(std::shared_ptr<const Subject> subject, Weights& weights, std::int64_t block_elements)
    : subject_(std::move(subject)), weights_(weights), block_elements_(block_elements) {}

const Course& Relay::course(const Bucket& bucket) {
  return courses_.get(bucket, [&] {
    const auto [graph, ops] = evaluation_graph_of(*subject_, bucket);
    return pipeline::course(*graph, ops, block_elements_);
  });
}

// The most that a sample leaves behind at the end of a leg.
std::size_t Relay::bytes_handed_on(const Batch& batch) {
  Bucket longest;
  for (const auto sample : batch.samples) longest = std::max(longest, batch.of->buckets[sample]);
  const auto& own = course(longest);
  courses_.keep_at_most(courses_kept(own));
  const auto& legs = own.legs;
  std::int64_t most = 0;
  for (std::size_t leg = 0; leg + 1 < legs.size(); ++leg) {
    const auto& graph = legs[leg].graph;
    most = std::max(most, graph::num_elements(graph.value(graph.outputs.front()).shape));
  }
  return static_cast<std::size_t>(most) * sizeof(float);
}

// Samples from `first` on that go together: `at_once` at most, of as many buckets as are kept.
std::size_t Relay::end_of_part(const Batch& batch, std::size_t first, std::size_t at_once) const {
  std::set<Bucket> buckets;
  const auto last = std::min(batch.samples.size(), first + at_once);
  for (auto end = first; end < last; ++end) {
    buckets.insert(batch.of->buckets[batch.samples[end]]);
    if (buckets.size() > courses_.most()) return end;
  }
  return last;
}

graph::Graph Relay::rounded(const Leg& leg, const Rounding& rounding, const lower::Maxima& maxima) {
  const auto& formats = subject_->layout.formats;
  graph::Assignment assignment;
  lower::Maxima own;
  for (const auto place : leg.places) {
    assignment.push_back(rounding.assignment[place]);
    if (!maxima.empty()) own.push_back(maxima[place]);
  }
  own = in_precision(std::move(own), leg.ops, evaluation_precision(subject_->spec));
  auto graph = lower::fake_quantize(leg.graph, leg.ops, assignment, formats, own);
  return rounding.scales == Scales::next ? lower::next_scales(graph, formats) : std::move(graph);
}

execute::Program Relay::program(const Leg& leg, const Rounding& rounding,
                                const lower::Maxima& maxima) {
  return {rounded(leg, rounding, maxima), weights_.get()};
}

void Relay::run(const Batch& batch, std::span<const Rounding> roundings,
                const lower::Maxima& maxima, std::span<const std::string_view> ahead,
                const Room& room, const Take& take) {
  Pass pass{batch, roundings, maxima, room, take};
  const auto num_samples = batch.samples.size();
  // What enters and what leaves a leg, for each plan.
  const auto of_sample = std::max<std::size_t>(1, 2 * roundings.size() * bytes_handed_on(batch));
  const auto at_once = std::max<std::size_t>(1, room.values / of_sample);
  const bool in_one = end_of_part(batch, 0, at_once) == num_samples;
  if (!in_one) kept_.clear();
  for (std::size_t first = 0; first < num_samples;) {
    const auto end = end_of_part(batch, first, at_once);
    start(pass, first, end);
    if (in_one) keep_for(pass, ahead);
    for (std::size_t leg = 0; leg + 1 < pass.legs().size(); ++leg) hand_on(pass, leg);
    finish(pass);
    first = end;
  }
}

void Relay::start(Pass& pass, std::size_t first, std::size_t last) {
  pass.first = first;
  pass.samples.clear();
  pass.courses.clear();
  for (std::size_t i = first; i < last; ++i) {
    pass.samples.push_back(pass.batch.of->set.load(pass.batch.samples[i]));
    pass.courses.push_back(&course(pass.batch.of->buckets[pass.batch.samples[i]]));
  }
  pass.runners.clear();
  for (const auto& rounding : pass.roundings) {
    Runner runner{&rounding, kin_of(pass.batch.digest, rounding), 0, Values(last - first)};
    runner.rests = is_high(rounding);
    for (std::size_t i = 0; i < last - first; ++i)
      runner.rests = runner.rests && outcomes_.contains(pass.outcome_name(i));
    for (std::size_t leg = pass.legs().size() - 1; leg > 0 && runner.leg == 0; --leg) {
      const auto found = kept_.find(runner.origin(pass.legs(), leg));
      if (found == kept_.end()) continue;
      runner.leg = leg;
      runner.values = found->second;
    }
    pass.runners.push_back(std::move(runner));
  }
}

// What saves the plans ahead most: what many of them begin with, the longer the better.
void Relay::keep_for(Pass& pass, std::span<const std::string_view> ahead) {
  std::map<std::string, std::size_t> saved;  // by origin: legs in all
  const auto consider = [&](const std::string& origin, std::size_t leg, bool by_all) {
    const auto text = std::string_view(origin).substr(0, origin.rfind('@'));
    const auto start = by_all ? text.substr(0, pass.batch.digest.size()) : text;
    const auto users = std::count_if(ahead.begin(), ahead.end(),
                                     [&](const auto& next) { return next.starts_with(start); });
    auto& most = saved[origin];
    most = std::max(most, static_cast<std::size_t>(users) * leg);
  };
  for (const auto& [origin, values] : kept_)
    consider(origin, std::stoul(origin.substr(origin.rfind('@') + 1)), false);
  const auto& legs = pass.legs();
  const auto last = legs.size() - 1;
  for (const auto& runner : pass.runners) {
    if (runner.rests) continue;
    // Every plan is compared with all-high.
    if (is_high(*runner.rounding)) consider(runner.origin(legs, last), last, true);
    for (const auto& next : ahead) {
      const auto leg = legs_alike(legs, runner.rounding->assignment.size(), runner.kin, next);
      if (leg > 0) consider(runner.origin(legs, leg), leg, false);
    }
  }
  std::vector<std::pair<std::size_t, std::string>> best;
  for (const auto& [origin, spared] : saved)
    if (spared > 0) best.emplace_back(spared, origin);
  std::sort(best.rbegin(), best.rend());
  const auto one = std::max<std::size_t>(1, pass.samples.size() * bytes_handed_on(pass.batch));
  const auto taken = 2 * pass.runners.size();
  const auto most = pass.room.values / one > taken ? pass.room.values / one - taken : 0;
  best.resize(std::min(best.size(), most));
  pass.keep.clear();
  for (auto& [spared, origin] : best) pass.keep.insert(std::move(origin));
  std::erase_if(kept_, [&](const auto& entry) { return !pass.keep.contains(entry.first); });
}

void Relay::hand_on(Pass& pass, std::size_t leg) {
  std::map<std::string, Values> made;  // by origin: plans that begin alike share it
  for (auto& runner : pass.runners) {
    if (runner.rests || runner.leg != leg) continue;
    const auto origin = runner.origin(pass.legs(), leg + 1);
    if (!made.contains(origin)) made[origin] = through(pass, leg, runner);
    runner.values = made.at(origin);
    runner.leg = leg + 1;
    if (pass.keep.contains(origin)) kept_[origin] = runner.values;
  }
}

Relay::Values Relay::through(const Pass& pass, std::size_t leg, const Runner& runner) {
  Values left(pass.samples.size());
  // One program at a time; they share what weights are rounded to.
  for (const auto* course : std::set(pass.courses.begin(), pass.courses.end())) {
    auto program = this->program(course->legs[leg], *runner.rounding, pass.maxima);
    for (std::size_t i = 0; i < pass.samples.size(); ++i) {
      if (pass.courses[i] != course) continue;
      const auto inputs = inputs_of(program, pass.samples[i], runner.values[i]);
      left[i] = std::make_shared<const execute::Inputs>(
          program.capture(inputs, {&program.graph().outputs.front(), 1}));
    }
  }
  weights_.release_unused(pass.room.weights);
  return left;
}

// The parts that a large head's blocks give of a sample, as what enters the last leg.
void Relay::run_head(Pass& pass, std::size_t sample) {
  const auto& course = *pass.courses[sample];
  if (course.head.empty()) return;
  std::map<std::string, std::vector<execute::Inputs>> parts;  // by kin
  for (const auto& block : course.head)
    for (const auto& runner : pass.runners) {
      auto& own = parts[runner.kin];
      const bool is_there = own.size() > static_cast<std::size_t>(&block - course.head.data());
      if (is_there || pass.knows(outcomes_, runner, sample)) continue;
      {
        auto program = this->program(block, *runner.rounding, pass.maxima);
        const auto inputs = inputs_of(program, pass.samples[sample], runner.values[sample]);
        own.push_back(program.capture(inputs, program.graph().outputs));
      }
      weights_.release_unused(pass.room.weights);
    }
  for (auto& runner : pass.runners)
    if (const auto& own = parts.at(runner.kin); !own.empty())
      runner.values[sample] = std::make_shared<const execute::Inputs>(execute::joined(own));
}

// The last leg of all plans side by side, so that the scores of one sample are alive alone.
void Relay::finish(Pass& pass) {
  std::map<std::pair<std::string, const Course*>, execute::Program> programs;
  const auto program_of = [&](const Runner& runner, const Course* course) -> execute::Program& {
    const std::pair name{runner.kin, course};
    if (!programs.contains(name))
      programs.emplace(name, program(course->legs.back(), *runner.rounding, pass.maxima));
    return programs.at(name);
  };
  for (std::size_t i = 0; i < pass.samples.size(); ++i) {
    run_head(pass, i);
    std::vector<execute::Outcome> outcomes;
    for (auto& runner : pass.runners) {
      if (pass.knows(outcomes_, runner, i)) {
        outcomes.push_back(outcomes_.at(pass.outcome_name(i)));
        continue;
      }
      auto& program = program_of(runner, pass.courses[i]);
      outcomes.push_back(
          execute::outcome(program, inputs_of(program, pass.samples[i], runner.values[i])));
      runner.values[i].reset();
      if (is_high(*runner.rounding)) keep(pass, i, outcomes.back());
    }
    pass.take(pass.batch.samples[pass.first + i], pass.samples[i], outcomes);
  }
  programs.clear();
  weights_.release_unused(pass.room.weights);
}

void Relay::keep(const Pass& pass, std::size_t sample, const execute::Outcome& outcome) {
  // Without class scores nothing is compared with all-high.
  if (!outcome.scores) return;
  const auto bytes = outcome.scores->num_bytes();
  if (bytes_of_scores_ + bytes > pass.room.scores) return;
  bytes_of_scores_ += bytes;
  outcomes_.emplace(pass.outcome_name(sample), outcome);
}

execute::Inputs Relay::inputs_of(const execute::Program& program, const model::Sample& sample,
                                 const std::shared_ptr<const execute::Inputs>& entering) const {
  const auto& [known, device] = std::tie(subject_->model->inputs, *subject_->device);
  if (!entering) return execute::make_inputs(program.graph(), sample, known, device);
  return execute::make_inputs(program.graph(), sample, known, device, *entering);
}

void Relay::release() {
  kept_.clear();
  outcomes_.clear();
  bytes_of_scores_ = 0;
}

void check_loss(const execute::Outcome& outcome, const Subject& subject, Weights& weights,
                const std::string& name) {
  if (std::isfinite(outcome.loss)) return;
  const auto parameter = execute::spoilt_parameter(*subject.evaluation_graph, weights.get());
  throw Error(ErrorKind::input,
              "the loss of " + name + " is " + shortest(outcome.loss) +
                  (parameter.empty()
                       ? " (the plan's formats overflow, or the model does; all weights are "
                         "finite). Look at its ops' formats or at the sample's tokens."
                       : ": " + parameter + ". Fetch the checkpoint again or repair that tensor."));
}

}  // namespace gainsweep::pipeline
