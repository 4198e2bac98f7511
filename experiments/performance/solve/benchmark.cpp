// Times the dynamic program, its certification by CBC, and whole frontiers on random problems of a
// model's shape, and the list against CBC on problems of one, two and three resources. See
// README.md beside this file.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "solve/solve.hpp"

namespace {

using gainsweep::solve::Certificate;
using gainsweep::solve::Choice;
using gainsweep::solve::Groups;
using gainsweep::solve::Outcome;
using gainsweep::solve::Problem;
using gainsweep::solve::Resources;
using gainsweep::solve::Solution;
using gainsweep::solve::Termination;

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
        choice.cost.front() += cost[op];
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
  for (const auto& group : groups) sum += group.back().cost.front();
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
    Problem problem{make_groups(num_groups, bits), {0}};
    const double all = largest_cost(problem.groups);
    for (std::size_t i = 0; i < num_budgets; ++i) {
      const double position = static_cast<double>(i + 1) / static_cast<double>(num_budgets + 1);
      problem.limits = {all * position * position * position};
      Solution solution;
      program.push_back(milliseconds([&] { solution = dynamic_program(problem); }));
      proof.push_back(milliseconds(
          [&] { most_nodes = std::max(most_nodes, certify(problem, solution).nodes); }));
    }
    front.push_back(milliseconds([&] {
      most_points =
          std::max(most_points, gainsweep::solve::frontier({problem.groups, {all}}).size());
    }));
  }
  print(num_groups, "dynamic_program", program, "");
  print(num_groups, "certify", proof, ("up to " + std::to_string(most_nodes) + " nodes").c_str());
  print(num_groups, "frontier", front,
        ("up to " + std::to_string(most_points) + " points").c_str());
}

/// What lowering an op saves and costs.
struct Op {
  double gain = 0;
  Resources high{};  ///< what it costs in the high format
  Resources low{};
};

/// The first resource is a loss error; the second bytes, half of which lowering saves; the third a
/// loss error of its own.
Op make_op(std::size_t num_resources, std::mt19937_64& bits) {
  const double sizes[] = {1, 1, 4, 4, 2.75, 2.75, 2.75};
  std::lognormal_distribution<double> loss_error(-14, 1.5);
  std::lognormal_distribution<double> saved(10.5, 0.7);
  Op op;
  op.gain = saved(bits);
  op.low[0] = loss_error(bits);
  if (num_resources > 1) {
    op.high[1] = 8e6 * sizes[bits() % std::size(sizes)];
    op.low[1] = op.high[1] / 2;
  }
  if (num_resources > 2) op.low[2] = loss_error(bits);
  return op;
}

/// All configurations of a group of five ops. Costs add over the ops, gains nearly do.
std::vector<Choice> make_group(std::size_t num_resources, std::mt19937_64& bits) {
  std::normal_distribution<double> noise(0, 2000);
  std::vector<Op> ops(5);
  for (Op& op : ops) op = make_op(num_resources, bits);
  std::vector<Choice> choices(std::size_t{1} << ops.size());
  for (std::size_t subset = 0; subset < choices.size(); ++subset) {
    double gain = noise(bits);
    for (std::size_t op = 0; op < ops.size(); ++op) {
      const bool is_low = (subset >> op & 1) != 0;
      gain += is_low ? ops[op].gain : 0;
      for (std::size_t resource = 0; resource < num_resources; ++resource) {
        choices[subset].cost[resource] += (is_low ? ops[op].low : ops[op].high)[resource];
      }
    }
    choices[subset].gain = static_cast<std::int64_t>(gain);
  }
  return choices;
}

/// What the best selection costs at random prices of the resources, and a little more: limits that
/// can be kept and that all bind.
std::vector<double> make_limits(const Groups& groups, std::size_t num_resources,
                                std::mt19937_64& bits) {
  std::vector<double> price;
  for (std::size_t resource = 0; resource < num_resources; ++resource) {
    double mean = 0;
    for (const auto& group : groups) {
      for (const Choice& choice : group) {
        mean += choice.cost[resource] / static_cast<double>(group.size() * groups.size());
      }
    }
    price.push_back(std::lognormal_distribution<double>(10.5, 1)(bits) / mean);
  }
  std::vector<double> limits(num_resources);
  for (const auto& group : groups) {
    const auto value = [&](const Choice& choice) {
      double sum = static_cast<double>(choice.gain);
      for (std::size_t r = 0; r < num_resources; ++r) sum -= price[r] * choice.cost[r];
      return sum;
    };
    const auto best =
        std::max_element(group.begin(), group.end(),
                         [&](const Choice& a, const Choice& b) { return value(a) < value(b); });
    for (std::size_t r = 0; r < num_resources; ++r) limits[r] += 1.001 * best->cost[r];
  }
  return limits;
}

/// What came of the problems of one number of resources.
struct Comparison {
  std::vector<double> list;
  std::vector<double> proof;
  std::vector<double> alone;
  std::vector<double> whole;
  std::size_t most_states = 0;
  int list_ended = 0;
  int list_proved = 0;
  int alone_proved = 0;
  int whole_proved = 0;
  double largest_gap = 0;
  int disagreements = 0;
};

void compare(const Problem& problem, Comparison& result) {
  Solution solution;
  result.list.push_back(milliseconds([&] { solution = dynamic_program(problem); }));
  result.most_states = std::max(result.most_states, solution.most_states);
  if (solution.termination == Termination::optimal) {
    ++result.list_ended;
    Certificate certificate;
    result.proof.push_back(milliseconds([&] { certificate = certify(problem, solution); }));
    result.list_proved += certificate.proved ? 1 : 0;
  }
  Outcome alone;
  result.alone.push_back(milliseconds(
      [&] { alone = branch_and_bound(problem, {}, gainsweep::solve::Effort{}.most_nodes); }));
  result.alone_proved += alone.certificate.proved ? 1 : 0;
  Outcome whole;
  result.whole.push_back(milliseconds([&] { whole = solve(problem); }));
  result.whole_proved += whole.certificate.proved ? 1 : 0;
  result.largest_gap = std::max(result.largest_gap, whole.certificate.relative_gap);
  if (alone.certificate.proved && alone.solution.gain > whole.solution.gain) ++result.disagreements;
}

void print_times(const char* what, std::vector<double> times, int ended) {
  std::sort(times.begin(), times.end());
  if (times.empty()) return;
  std::printf("    %-18s  %5zu  median %9.2f ms  maximum %9.2f ms  ended or proved %d\n", what,
              times.size(), times[times.size() / 2], times.back(), ended);
}

void print(const char* title, const Comparison& result) {
  std::printf("%s: up to %zu states, largest gap %.1e, %d disagreements\n", title,
              result.most_states, result.largest_gap, result.disagreements);
  print_times("list", result.list, result.list_ended);
  print_times("certify", result.proof, result.list_proved);
  print_times("CBC alone", result.alone, result.alone_proved);
  print_times("solve", result.whole, result.whole_proved);
  std::fflush(stdout);
}

/// Problems of 129 groups of 32 choices; those of one, two and three resources take turns.
void compare_resources(std::size_t num_instances, std::size_t num_limits) {
  std::vector<Comparison> results(3);
  for (std::size_t instance = 0; instance < num_instances; ++instance) {
    for (std::size_t turn = 0; turn < num_limits * results.size(); ++turn) {
      const std::size_t num_resources = turn % results.size() + 1;
      std::mt19937_64 bits(1000 * num_resources + instance);
      Problem problem;
      for (int group = 0; group < 129; ++group) {
        problem.groups.push_back(make_group(num_resources, bits));
      }
      bits.seed(turn);
      problem.limits = make_limits(problem.groups, num_resources, bits);
      compare(problem, results[num_resources - 1]);
    }
  }
  const char* titles[] = {"one resource", "two resources", "three resources"};
  for (std::size_t i = 0; i < results.size(); ++i) print(titles[i], results[i]);
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
  std::printf("\n129 groups of 32 configurations\n");
  compare_resources(num_instances, num_budgets);
}
