#include "gain/resource.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "gain/weight_bytes.hpp"

namespace gainsweep::gain {
namespace {

using OfOp = std::function<double(const Facts&, const graph::Op&, FormatId)>;

Resource of_ops(std::string name, std::string help, std::string unit, OfOp of_op) {
  Resource resource{std::move(name), std::move(help), std::move(unit), "memory", false, {}, {}};
  resource.charges = [of_op = std::move(of_op)](const Facts& facts, const GainTable& table) {
    std::vector<std::vector<double>> charges;
    for (std::size_t j = 0; j < table.configurations.size(); ++j) {
      auto& of_subgraph = charges.emplace_back();
      for (const auto& configuration : table.configurations[j]) {
        double sum = 0;
        for (std::size_t i = 0; i < configuration.size(); ++i) {
          const auto op = facts.partition.subgraphs[j].ops[i];
          sum += of_op(facts, facts.partition.ops[op.index], configuration[i]);
        }
        of_subgraph.push_back(sum);
      }
    }
    return charges;
  };
  resource.limit = [](const Facts&, double allowed) { return allowed; };
  return resource;
}

double bytes(const Facts& facts, const graph::Op& op, FormatId format) {
  return static_cast<double>(weight_bytes(op, facts.formats, format));
}

// Of all that a card holds the weights are what plans change.
Resource card_bytes() {
  auto resource = of_ops("card_bytes",
                         "bytes that a card holds: weights and scales, all other parameters, and "
                         "keys and values of solve.context tokens of solve.sequences sequences",
                         "byte", bytes);
  resource.limit = [](const Facts& facts, double allowed) { return allowed - facts.bytes_beside; };
  return resource;
}

double bits(const Facts& facts, const graph::Op& op, FormatId format) {
  std::int64_t elements = 0;
  for (const auto& any : facts.partition.ops) elements += any.weight_elements;
  return elements == 0 ? 0 : 8 * bytes(facts, op, format) / static_cast<double>(elements);
}

const Times& times_of(const Facts& facts) {
  if (!facts.times || quietest_baseline(*facts.times) == 0)
    throw Error(ErrorKind::config,
                "solve.constraints: seconds are limited, but nothing was timed. Ask for the "
                "objective time, or leave seconds out.");
  return *facts.times;
}

// Parts of an all-high run.
double saved(const Facts& facts, const TimeTable& table, std::size_t configuration) {
  return counted(table.savings[configuration], facts.counting) / static_cast<double>(table.members);
}

double most_saved(const Facts& facts, const TimeTable& table) {
  double most = 0;
  for (std::size_t p = 0; p < table.savings.size(); ++p)
    most = std::max(most, saved(facts, table, p));
  return most;
}

std::vector<std::vector<double>> second_charges(const Facts& facts, const GainTable& table) {
  const auto& times = times_of(facts);
  const double all_high = quietest_baseline(times);
  std::vector<std::vector<double>> charges;
  for (std::size_t j = 0; j < table.configurations.size(); ++j) {
    auto& of_subgraph = charges.emplace_back();
    const auto& timed = times[j].configurations;
    for (const auto& configuration : table.configurations[j]) {
      const auto found = std::find(timed.begin(), timed.end(), configuration);
      const auto place = static_cast<std::size_t>(found - timed.begin());
      of_subgraph.push_back(found == timed.end() ? std::numeric_limits<double>::infinity()
                                                 : all_high * (most_saved(facts, times[j]) -
                                                               saved(facts, times[j], place)));
    }
  }
  return charges;
}

double second_limit(const Facts& facts, double allowed) {
  const auto& times = times_of(facts);
  double least = 1;
  for (const auto& table : times) least -= most_saved(facts, table);
  return allowed - quietest_baseline(times) * least;
}

}  // namespace

Table<Resource>& resources() {
  static Table<Resource> table{
      of_ops("bytes", "bytes of weights and scales", "byte", bytes),
      of_ops("bits", "mean bits a weight, scales included", "bit", bits),
      card_bytes(),
      {"seconds", "seconds of a run", "s", "time", true, second_charges, second_limit},
  };
  return table;
}

}  // namespace gainsweep::gain
