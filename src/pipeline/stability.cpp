#include "pipeline/stability.hpp"

#include <algorithm>
#include <cmath>

#include "archive/field.hpp"
#include "base/quantile.hpp"
#include "digest/digest.hpp"
#include "pipeline/exact_program.hpp"
#include "pipeline/key.hpp"
#include "pipeline/plan_predictor.hpp"
#include "sensitivity/loss_model.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::reals;

constexpr double tail = 0.025;

std::string digest_of(const spec::Spec& spec, const Measured& measured,
                      const sensitivity::Contributions& terms) {
  digest::Builder builder;
  builder.add("seed", spec.solve.seed);
  for (std::size_t r = 0; r < terms.size(); ++r) {
    builder.add("loss", measured.scores[r].loss).add("targets", measured.scores[r].targets);
    for (const auto& of_op : terms[r])
      for (const double term : of_op) builder.add("term", term);
  }
  for (const auto& anchor : measured.anchors) {
    builder.add("anchor", anchor.loss);
    if (anchor.confidence)
      builder.add("entropy", anchor.confidence->entropy).add("spread", anchor.confidence->spread);
    for (const auto& shift : anchor.shifts)
      builder.add("change", shift.loss_change)
          .add("divergence", shift.departure.divergence)
          .add("tilt", shift.departure.tilt);
  }
  return builder.finish();
}

// What a block's resamples came to, as its record holds it.
struct Solved {
  std::vector<std::int64_t> is_solved;  // [threshold][resample]
  std::vector<std::int64_t> gains;      // likewise; 0 where nothing keeps the limits
  std::vector<std::int64_t> low;        // [threshold][op][low format], resamples

  Solved(const Layout& layout, std::size_t thresholds)
      : is_solved(thresholds * block),
        gains(thresholds * block),
        low(thresholds * layout.partition.ops.size() * (layout.formats.size() - 1)) {}

  static constexpr auto block = static_cast<std::size_t>(spec::resample_block);
};

void count_low(const Layout& layout, const graph::Assignment& assignment, std::size_t threshold,
               std::vector<std::int64_t>& low) {
  const std::size_t num_low = layout.formats.size() - 1;
  for (std::size_t op = 0; op < assignment.size(); ++op)
    if (assignment[op] != high_format)
      ++low[(threshold * assignment.size() + op) * num_low + assignment[op].index - 1];
}

bool has_plan(const solve::Solution& solution) {
  return solution.termination == solve::Termination::optimal;
}

archive::Table stability_table(const Layout& layout, const spec::Spec& spec, std::size_t objective,
                               const std::vector<const archive::Record*>& records) {
  const auto& thresholds = spec.solve.thresholds;
  const std::size_t num_low = layout.formats.size() - 1;
  const std::size_t width = layout.partition.ops.size() * num_low;
  std::vector<std::int64_t> solved;
  std::vector<double> shares(thresholds.size() * width), lows, medians, highs;
  for (std::size_t t = 0; t < thresholds.size(); ++t) {
    std::vector<double> gains;
    for (const auto* record : records) {
      const auto& is_solved = integers(record->fields, "is_solved");
      const auto& found = integers(record->fields, "gain");
      const auto& low = integers(record->fields, "low");
      for (std::size_t i = t * Solved::block; i < (t + 1) * Solved::block; ++i)
        if (is_solved[i] != 0) gains.push_back(static_cast<double>(found[i]));
      for (std::size_t i = t * width; i < (t + 1) * width; ++i)
        shares[i] += static_cast<double>(low[i]);
    }
    for (std::size_t i = t * width; i < (t + 1) * width; ++i)
      shares[i] /= std::max<double>(1, static_cast<double>(gains.size()));
    solved.push_back(static_cast<std::int64_t>(gains.size()));
    std::sort(gains.begin(), gains.end());
    const auto at = [&](double share) { return gains.empty() ? NAN : quantile(gains, share); };
    lows.push_back(at(tail));
    medians.push_back(at(0.5));
    highs.push_back(at(1 - tail));
  }
  const auto& asked = gain::objectives().at(spec.solve.objectives[objective]);
  const archive::Axes row{{"row", thresholds.size()}};
  const archive::Axes cube{
      {"row", thresholds.size()}, {"op", layout.partition.ops.size()}, {"low_format", num_low}};
  return {"stability/" + asked.name,
          "How the plans of ip change when calibration samples are drawn again",
          nature_of(spec, asked.name),
          {reals("threshold", thresholds, row, "1",
                 "Allowed root-mean-square loss error relative to the root-mean-square loss"),
           integers("resamples", solved, row, "1", "Resamples that have a plan"),
           reals("share", shares, cube, "1", "Share of them in which the op is in the low format"),
           reals("gain_low", lows, row, asked.unit, "2.5 % of their plans gain less"),
           reals("gain_median", medians, row, asked.unit, "Median gain of their plans"),
           reals("gain_high", highs, row, asked.unit, "2.5 % of their plans gain more")}};
}

}  // namespace

Resampling::Resampling(const Layout& layout, const spec::Spec& spec, const Measured& measured)
    : terms_(sensitivity::noises().at(spec.solve.noise).contributions(scores_of(layout, measured))),
      errors_(evidence(measured, terms_, spec.solve.seed),
              static_cast<std::size_t>(spec.solve.resamples)),
      digest_(digest_of(spec, measured, terms_)) {}

std::vector<ResampleBlock> resample_blocks(const spec::SolveSpec& spec) {
  std::vector<ResampleBlock> blocks;
  for (std::size_t o = 0; o < spec.objectives.size(); ++o)
    for (std::int64_t first = 0; first < spec.resamples; first += spec::resample_block)
      blocks.push_back({o, first});
  return blocks;
}

batch::Ticket ticket(const spec::Spec& spec, const ResampleBlock& block,
                     const std::string& decision, const std::string& samples) {
  const auto& objective = spec.solve.objectives[block.objective];
  const auto last = block.first + spec::resample_block - 1;
  batch::Ticket ticket;
  ticket.table = "resamples/" + objective;
  ticket.label = "plans for " + objective + " on resamples " + std::to_string(block.first) +
                 " to " + std::to_string(last);
  ticket.nature = nature_of(spec, objective);
  ticket.order = static_cast<std::uint64_t>(block.first / spec::resample_block);
  ticket.key = key::resamples(
      decision, samples,
      {objective, spec.solve.loss_model, spec.solve.thresholds, block.first, spec::resample_block});
  return ticket;
}

batch::Fields solve_block(const Layout& layout, const spec::Spec& spec, const ResampleBlock& block,
                          const Decision& decision) {
  const auto& thresholds = spec.solve.thresholds;
  const auto& model = sensitivity::loss_models().at(spec.solve.loss_model);
  Solved solved(layout, thresholds.size());
  for (std::size_t i = 0; i < Solved::block; ++i) {
    const auto errors = decision.resampling->errors(static_cast<std::size_t>(block.first) + i);
    ExactProgram program(layout, decision, errors, block.objective);
    for (std::size_t t = 0; t < thresholds.size(); ++t) {
      const auto solution = program.plan(model.limit(errors, thresholds[t]));
      if (!has_plan(solution)) continue;
      solved.is_solved[t * Solved::block + i] = 1;
      solved.gains[t * Solved::block + i] = solution.gain;
      count_low(layout, program.assignment(solution.choices), t, solved.low);
    }
  }
  const archive::Axes each{{"threshold", thresholds.size()}, {"resample", Solved::block}};
  const archive::Axes cube{{"threshold", thresholds.size()},
                           {"op", layout.partition.ops.size()},
                           {"low_format", layout.formats.size() - 1}};
  return {integers("first", {block.first}, {}, "1", "Index of the block's first resample"),
          reals("threshold", thresholds, {{"threshold", thresholds.size()}}, "1",
                "Allowed root-mean-square loss error relative to the root-mean-square loss"),
          integers("is_solved", solved.is_solved, each, "1",
                   "1 where the resample has a plan that keeps all limits and was found"),
          integers("gain", solved.gains, each,
                   gain::objectives().at(spec.solve.objectives[block.objective]).unit,
                   "Gain of that plan, 0 where there is none"),
          integers("low", solved.low, cube, "1",
                   "Resamples of the block in whose plan the op is in the low format")};
}

double num_choices(const Layout& layout, const spec::SolveSpec& spec) {
  double choices = 0;
  for (const auto& subgraph : layout.partition.subgraphs)
    choices += std::pow(static_cast<double>(layout.formats.size()),
                        static_cast<double>(subgraph.ties.size()));
  return choices * static_cast<double>(spec.thresholds.size()) *
         static_cast<double>(spec::resample_block);
}

std::vector<archive::Table> stability_tables(const Layout& layout, const spec::Spec& spec,
                                             const Decision& decision,
                                             const batch::Results& results) {
  std::vector<std::vector<const archive::Record*>> records(spec.solve.objectives.size());
  for (const auto& block : resample_blocks(spec.solve)) {
    const auto key =
        ticket(spec, block, decision.digests[block.objective], decision.resampling->digest()).key;
    if (const auto* record = results.find(key)) records[block.objective].push_back(record);
  }
  std::vector<archive::Table> tables;
  for (std::size_t o = 0; o < records.size(); ++o)
    if (!records[o].empty()) tables.push_back(stability_table(layout, spec, o, records[o]));
  return tables;
}

}  // namespace gainsweep::pipeline
