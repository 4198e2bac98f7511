// What int8 really saves, and whether gains add up: the forward pass with every linear layer in
// int8 against all-high, and random plans' measured times against the sum of their sub-graphs'
// gains. See README.md.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <string>

#include "archive/decoder.hpp"
#include "base/error.hpp"
#include "gain/time_table.hpp"
#include "latency/measure.hpp"
#include "pipeline/subject.hpp"
#include "spec/read.hpp"

namespace {

using namespace gainsweep;

/// The latency workload of a spec, with dynamic scales: no calibration pass is needed.
class Bench {
 public:
  explicit Bench(spec::Spec spec)
      : subject_(pipeline::open(dynamic(std::move(spec)), shelf_, model::Weights::needed,
                                execute::devices().at("cpu"))),
        partition_(graph::partition(*subject_.latency_graph, subject_.spec.partition,
                                    subject_.layout.formats.size())),
        parameters_(*subject_.model, execute::devices().at("cpu"),
                    pipeline::timed_precision(subject_.spec)),
        inputs_(
            execute::make_inputs(*subject_.latency_graph,
                                 model::counting_sample(*subject_.latency_graph, *subject_.model),
                                 subject_.model->inputs, execute::devices().at("cpu"))) {}

  const pipeline::Subject& subject() const { return subject_; }

  graph::Assignment high() const { return graph::Assignment(partition_.ops.size(), high_format); }

  /// Paired timings of assignments against all-high.
  latency::Timings measure(const std::vector<graph::Assignment>& assignments, std::int64_t blocks) {
    parameters_.release_unused();
    latency::Contest contest;
    contest.programs.push_back(program(high()));
    for (const auto& assignment : assignments) contest.programs.push_back(program(assignment));
    contest.inputs.assign(contest.programs.size(), &inputs_);
    latency::warm_up(contest, subject_.spec.latency.rule);
    return latency::measure(contest, blocks, 0, 0);
  }

 private:
  static spec::Spec dynamic(spec::Spec spec) {
    for (auto& format : spec.formats.formats)
      if (format.activation->scale == format::ScaleRule::static_max)
        format.activation->scale = format::ScaleRule::dynamic_max;
    return spec;
  }

  execute::Program program(const graph::Assignment& assignment) {
    return {lower::lower(*subject_.latency_graph, partition_, assignment, subject_.layout.formats,
                         {}, *subject_.target),
            parameters_};
  }

  pipeline::Shelf shelf_;
  pipeline::Subject subject_;
  graph::Partition partition_;
  execute::Parameters parameters_;
  execute::Inputs inputs_;
};

double median(std::vector<double> values) {
  return latency::median_interval(std::move(values), 0.95).median;
}

std::vector<double> column(const latency::Timings& timings, std::size_t configuration) {
  std::vector<double> seconds;
  for (const auto& block : timings.seconds) seconds.push_back(block[configuration]);
  return seconds;
}

graph::Assignment all_linear_int8(const Bench& bench) {
  auto assignment = bench.high();
  for (std::size_t i = 0; i < assignment.size(); ++i)
    assignment[i] = bench.subject().layout.real_formats[i].back();
  return assignment;
}

void speed_up(Bench& bench, std::int64_t blocks) {
  const auto timings = bench.measure({all_linear_int8(bench)}, blocks);
  std::vector<double> ratios;
  for (const auto& block : timings.seconds) ratios.push_back(block[0] / block[1]);
  const auto ratio = latency::median_interval(ratios, 0.95);
  std::printf("all linear layers int8: high %.2f ms, int8 %.2f ms, speed-up %.3f [%.3f, %.3f]\n",
              1e3 * median(column(timings, 0)), 1e3 * median(column(timings, 1)), ratio.median,
              ratio.low, ratio.high);
}

gain::Times measured_times(Bench& bench, std::int64_t blocks) {
  const auto& subject = bench.subject();
  const auto& partition = subject.layout.partition;
  std::vector<std::vector<latency::Timings>> rounds;
  for (const auto& target : subject.timing_targets) {
    std::vector<graph::Assignment> assignments;
    for (std::size_t p = 1; p < target.configurations.size(); ++p) {
      assignments.push_back(bench.high());
      for (const auto member : target.lowered)
        for (std::size_t i = 0; i < target.configurations[p].size(); ++i)
          assignments.back()[partition.subgraphs[member.index].ops[i].index] =
              target.configurations[p][i];
    }
    rounds.push_back({bench.measure(assignments, blocks)});
  }
  return pipeline::assign_times(subject.layout, subject.spec, subject.timing_targets, rounds);
}

/// Every linear layer high or int8 with equal chance.
std::vector<graph::Assignment> random_plans(const Bench& bench, std::size_t count) {
  std::mt19937 random(0);
  std::vector<graph::Assignment> plans;
  for (std::size_t plan = 0; plan < count; ++plan) {
    plans.push_back(bench.high());
    for (std::size_t i = 0; i < plans.back().size(); ++i) {
      const auto& formats = bench.subject().layout.real_formats[i];
      plans.back()[i] = formats[random() % formats.size()];
    }
  }
  return plans;
}

void additivity(Bench& bench, std::int64_t blocks) {
  const auto times = measured_times(bench, blocks);
  const auto plans = random_plans(bench, 10);
  std::vector<double> errors;
  for (const auto& plan : plans) {
    const auto timings = bench.measure({plan}, blocks);
    const double measured = 1 - median(latency::relative_gains(timings, 1));
    const auto saved = gain::saving(times, bench.subject().layout.partition, plan, 0.95);
    const double predicted = 1 - saved.value().median;
    errors.push_back(std::abs(predicted / measured - 1));
    std::printf(
        "plan: all-high %.2f ms, of it predicted %.2f %%, measured %.2f %%, error %.2f %%\n",
        1e3 * median(column(timings, 0)), 100 * predicted, 100 * measured, 100 * errors.back());
  }
  std::printf("error of the predicted total time: median %.2f %%, worst %.2f %%\n",
              100 * median(errors), 100 * *std::max_element(errors.begin(), errors.end()));
}

}  // namespace

int main(int argc, char** argv) {
  gainsweep::archive::serve_if_decoder(argc, argv);
  try {
    if (argc != 3) throw Error(ErrorKind::config, "usage: benchmark_latency SPEC BLOCKS");
    auto spec = spec::load_points(argv[1]).at(0).spec;
    execute::start(execute::devices().at(spec.device), spec.threads);
    Bench bench(std::move(spec));
    const std::int64_t blocks = std::stol(argv[2]);
    speed_up(bench, blocks);
    additivity(bench, blocks);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "benchmark_latency: %s\n", error.what());
    return 1;
  }
}
