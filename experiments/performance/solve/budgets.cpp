// Times the dual and constraints on bits at the size of a 1B model with six low formats. See
// README.md beside this file.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "solve/solve.hpp"

namespace {

using gainsweep::solve::Choice;
using gainsweep::solve::Outcome;
using gainsweep::solve::Problem;
using gainsweep::solve::Termination;

/// The high format and six low ones: bits of a weight, the error of one against that of the first
/// low one, and multiply-accumulates against the high format's.
constexpr double bits_of[] = {16, 8, 8.25, 6.25, 6.25, 4.25, 4.5};
constexpr double error_of[] = {0, 1, 0.7, 8, 10, 220, 110};
constexpr double rate_of[] = {1, 2, 2, 2, 2, 4, 4};
constexpr std::size_t num_formats = std::size(bits_of);

struct Op {
  double weights = 0;
  double macs = 0;
};

/// Ops of a sub-graph that may differ in format: a Llama block of 2048 channels, its queries, keys
/// and values one product, gate and up as well.
const std::vector<std::vector<Op>>& block() {
  static const std::vector<std::vector<Op>> block{
      {{2048 * 3072, 2048 * 3072}, {0, 2048 * 256}, {0, 2048 * 256}},
      {{2048 * 2048, 2048 * 2048}},
      {{2.0 * 2048 * 8192, 2.0 * 2048 * 8192}},
      {{2048 * 8192, 2048 * 8192}}};
  return block;
}

/// All configurations of a group: gains in multiply-accumulates, loss errors, weight bits.
std::vector<Choice> make_group(const std::vector<Op>& ops, std::mt19937_64& bits) {
  std::lognormal_distribution<double> sensitivity(-14, 1.5), own(0, 0.5);
  std::vector<std::vector<double>> errors;
  for (std::size_t op = 0; op < ops.size(); ++op) {
    const double whole = sensitivity(bits);
    auto& of_op = errors.emplace_back();
    for (const double error : error_of) of_op.push_back(error * whole * own(bits));
  }
  const auto count = static_cast<std::size_t>(std::pow(num_formats, ops.size()) + 0.5);
  std::vector<Choice> choices(count);
  for (std::size_t place = 0; place < count; ++place) {
    double gain = 0;
    for (std::size_t op = 0, rest = place; op < ops.size(); ++op, rest /= num_formats) {
      const auto format = rest % num_formats;
      choices[place].cost[0] += errors[op][format];
      choices[place].cost[1] += ops[op].weights * bits_of[format];
      gain += ops[op].macs * (1 - 1 / rate_of[format]);
    }
    choices[place].gain = std::llround(gain);
  }
  return choices;
}

/// 129 groups; the limit of the second resource is on the mean bits of a weight.
Problem make_problem(std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  Problem problem;
  double weights = 0;
  for (std::size_t group = 0; group < 128; ++group)
    problem.groups.push_back(make_group(block()[group % block().size()], bits));
  problem.groups.push_back(make_group({{2048.0 * 32000, 2048.0 * 32000}}, bits));
  for (auto& group : problem.groups) weights += group.front().cost[1] / bits_of[0];
  for (auto& group : problem.groups)
    for (auto& choice : group) choice.cost[1] /= weights;
  problem.limits = {0, 0};
  return problem;
}

double milliseconds(const auto& function) {
  const std::clock_t start = std::clock();
  function();
  return 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

struct Row {
  std::vector<double> times;
  int proved = 0;
  int infeasible = 0;
  std::int64_t most_nodes = 0;
  double largest_gap = 0;

  void add(const Problem& problem,
           Outcome (*solver)(const Problem&, const gainsweep::solve::Effort&)) {
    Outcome outcome;
    times.push_back(milliseconds([&] { outcome = solver(problem, {}); }));
    proved += outcome.certificate.proved ? 1 : 0;
    infeasible += outcome.solution.termination == Termination::infeasible ? 1 : 0;
    most_nodes = std::max(most_nodes, outcome.certificate.nodes);
    largest_gap = std::max(largest_gap, outcome.certificate.relative_gap);
  }

  void print(const std::string& what) {
    std::sort(times.begin(), times.end());
    std::printf("%-28s  %4zu  %9.1f  %9.1f  %4d  %4d  %6lld  %.1e\n", what.c_str(), times.size(),
                times[times.size() / 2], times.back(), proved, infeasible,
                static_cast<long long>(most_nodes), largest_gap);
    std::fflush(stdout);
  }
};

/// A loss error that a plan of those bits has: what the limit of the primal is made from.
double error_at(Problem problem, double bits) {
  problem.limits[1] = bits;
  return gainsweep::solve::solve_dual(problem).solution.cost[0];
}

}  // namespace

/// Usage: benchmark_budgets [instances]
int main(int argc, char** argv) {
  const std::uint64_t num_instances = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 4;
  std::printf(
      "what                          solves  median ms  max ms  proved  infeasible  nodes  gap\n");
  Row all, constrained, free;
  for (const double bits : {4.5, 5.0, 5.5, 6.0, 7.0, 8.0}) {
    Row row;
    for (std::uint64_t instance = 0; instance < num_instances; ++instance) {
      auto problem = make_problem(instance);
      problem.limits[1] = bits;
      row.add(problem, gainsweep::solve::solve_dual);
      // Twice the least error of the budget leaves room for gains in multiply-accumulates.
      problem.limits[0] = 2 * error_at(problem, bits);
      constrained.add(problem, gainsweep::solve::solve);
      for (auto& group : problem.groups)
        for (auto& choice : group) choice.cost[1] = 0;
      problem.limits.pop_back();
      free.add(problem, gainsweep::solve::solve);
    }
    row.print("dual at " + std::to_string(bits).substr(0, 3) + " bits");
    for (const double time : row.times) all.times.push_back(time);
    all.proved += row.proved;
    all.infeasible += row.infeasible;
    all.most_nodes = std::max(all.most_nodes, row.most_nodes);
    all.largest_gap = std::max(all.largest_gap, row.largest_gap);
  }
  all.print("dual");
  constrained.print("macs under error and bits");
  free.print("macs under error");
}
