#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/seed_seq.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "solve/selection.hpp"
#include "solve/solve.hpp"

namespace gainsweep::solve {
namespace {

/// Refuses a malformed format of an op.
void check(const LowFormat& low, std::size_t op) {
  for (const double cost : low.cost) {
    if (low.format != 0 && std::isfinite(cost) && cost >= 0) continue;
    throw Error(ErrorKind::internal, "op " + std::to_string(op) + " offers format " +
                                         std::to_string(low.format) + " at the cost " +
                                         shortest(cost) +
                                         " (low formats start at 1, costs are finite and not "
                                         "negative). Report this as a bug of gainsweep.");
  }
}

/// The cheapest low format of each op that has one, the first listed among equals; format 0 where
/// there is none.
std::vector<LowFormat> cheapest_formats(const OpFormats& ops) {
  std::vector<LowFormat> result;
  result.reserve(ops.size());
  for (std::size_t op = 0; op < ops.size(); ++op) {
    LowFormat best;
    for (const LowFormat& low : ops[op]) {
      check(low, op);
      if (best.format == 0 || low.cost.front() < best.cost.front()) best = low;
    }
    result.push_back(best);
  }
  return result;
}

/// Lowers ops in the given order until one does not fit. The cost that is compared with the limits
/// is summed in IR order, as whoever checks the plan will sum it.
std::vector<std::size_t> lower_in_order(const std::vector<LowFormat>& formats,
                                        const std::vector<std::size_t>& order,
                                        const std::vector<double>& limits) {
  std::vector<std::size_t> assignment(formats.size(), 0);
  for (const std::size_t op : order) {
    assignment[op] = formats[op].format;
    Resources cost{};
    for (std::size_t other = 0; other < formats.size(); ++other) {
      if (assignment[other] == 0) continue;
      for (std::size_t resource = 0; resource < limits.size(); ++resource) {
        cost[resource] += formats[other].cost[resource];
      }
    }
    if (fits(cost, limits)) continue;
    assignment[op] = 0;
    break;
  }
  return assignment;
}

/// The ops that can be lowered, in IR order.
std::vector<std::size_t> lowerable(const std::vector<LowFormat>& formats) {
  std::vector<std::size_t> order;
  for (std::size_t op = 0; op < formats.size(); ++op) {
    if (formats[op].format != 0) order.push_back(op);
  }
  return order;
}

boost::random::mt19937_64 generator(std::uint64_t seed, std::uint64_t draw) {
  const std::uint32_t words[] = {
      static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
      static_cast<std::uint32_t>(draw), static_cast<std::uint32_t>(draw >> 32)};
  boost::random::seed_seq sequence(std::begin(words), std::end(words));
  return boost::random::mt19937_64(sequence);
}

}  // namespace

std::vector<std::size_t> prefix(const OpFormats& ops, const std::vector<double>& limits) {
  check_limits(limits);
  const auto formats = cheapest_formats(ops);
  return lower_in_order(formats, lowerable(formats), limits);
}

std::vector<std::size_t> random(const OpFormats& ops, const std::vector<double>& limits,
                                std::uint64_t seed, std::uint64_t draw) {
  check_limits(limits);
  const auto formats = cheapest_formats(ops);
  auto order = lowerable(formats);
  auto bits = generator(seed, draw);
  // Fisher-Yates, written out: std::shuffle differs between standard libraries.
  for (std::size_t left = order.size(); left > 1; --left) {
    boost::random::uniform_int_distribution<std::uint64_t> position(0, left - 1);
    std::swap(order[left - 1], order[position(bits)]);
  }
  return lower_in_order(formats, order, limits);
}

}  // namespace gainsweep::solve
