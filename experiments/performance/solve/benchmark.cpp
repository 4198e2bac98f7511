// Times the dynamic program, its certification by CBC, and whole frontiers on random problems of a
// model's shape. See README.md beside this file.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "solve/solve.hpp"

namespace {

using gainsweep::solve::Choice;
using gainsweep::solve::Problem;
using Groups = std::vector<std::vector<Choice>>;

/// Groups of 32, 2, 4 and 2 configurations in turn (a Llama block: attention, o, gate and up,
/// down). Costs add over the ops of a group; gains nearly do, and may be negative, as measured
/// times are.
Groups make_groups(std::size_t num_groups, std::mt19937_64& bits) {
  const std::size_t num_ops[] = {5, 1, 2, 1};
  std::lognormal_distribution<double> loss_error(-14, 1.5);
  std::lognormal_distribution<double> saved(10.5, 0.7);
  std::normal_distribution<double> noise(0, 2000);
  Groups groups;
  for (std::size_t group = 0; group < num_groups; ++group) {
    std::vector<double> cost(num_ops[group % 4]);
    std::vector<double> gain(cost.size());
    for (double& value : cost) value = loss_error(bits);
    for (double& value : gain) value = saved(bits);
    std::vector<Choice> choices(1);
    for (std::size_t subset = 1; subset < std::size_t{1} << cost.size(); ++subset) {
      Choice choice;
      double sum = noise(bits);
      for (std::size_t op = 0; op < cost.size(); ++op) {
        if ((subset >> op & 1) == 0) continue;
        choice.cost += cost[op];
        sum += gain[op];
      }
      choice.gain = static_cast<std::int64_t>(sum);
      choices.push_back(choice);
    }
    groups.push_back(choices);
  }
  return groups;
}

double largest_cost(const Groups& groups) {
  double sum = 0;
  for (const auto& group : groups) sum += group.back().cost;
  return sum;
}

/// Processor time, which other work on the machine disturbs least; all solvers use one thread.
template <class Function>
double milliseconds(Function function) {
  const std::clock_t start = std::clock();
  function();
  return 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void print(std::size_t num_groups, const char* what, std::vector<double> times, const char* note) {
  std::sort(times.begin(), times.end());
  std::printf("%6zu  %-16s  %9zu  %10.3f  %10.3f  %s\n", num_groups, what, times.size(),
              times[times.size() / 2], times.back(), note);
  std::fflush(stdout);
}

void measure(std::size_t num_groups, std::size_t num_instances, std::size_t num_budgets) {
  std::vector<double> program;
  std::vector<double> proof;
  std::vector<double> front;
  std::size_t most_points = 0;
  std::int64_t most_nodes = 0;
  for (std::size_t instance = 0; instance < num_instances; ++instance) {
    std::mt19937_64 bits(1000 * num_groups + instance);
    Problem problem{make_groups(num_groups, bits), 0};
    const double all = largest_cost(problem.groups);
    for (std::size_t i = 0; i < num_budgets; ++i) {
      const double position = static_cast<double>(i + 1) / static_cast<double>(num_budgets + 1);
      problem.budget = all * position * position * position;
      gainsweep::solve::Solution solution;
      program.push_back(milliseconds([&] { solution = dynamic_program(problem); }));
      proof.push_back(milliseconds(
          [&] { most_nodes = std::max(most_nodes, certify(problem, solution).nodes); }));
    }
    front.push_back(milliseconds(
        [&] { most_points = std::max(most_points, frontier(problem.groups, all).size()); }));
  }
  print(num_groups, "dynamic_program", program, "");
  print(num_groups, "certify", proof, ("up to " + std::to_string(most_nodes) + " nodes").c_str());
  print(num_groups, "frontier", front,
        ("up to " + std::to_string(most_points) + " points").c_str());
}

}  // namespace

/// Usage: benchmark_solve [instances [budgets]]
int main(int argc, char** argv) {
  const std::size_t num_instances = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 4;
  const std::size_t num_budgets = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 12;
  std::printf("groups  what              solves  median [ms]    max [ms]\n");
  for (const std::size_t num_groups : {33, 129, 321}) {
    measure(num_groups, num_instances, num_budgets);
  }
}
