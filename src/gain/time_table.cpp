#include "gain/time_table.hpp"

#include <cmath>

namespace gainsweep::gain {
namespace {

constexpr double confidence = 0.95;

}  // namespace

TimeTable measured(std::vector<graph::Configuration> configurations,
                   const latency::Timings& timings, std::size_t members) {
  TimeTable table{std::move(configurations), {{}}, 0, members, "measured"};
  for (std::size_t i = 1; i < table.configurations.size(); ++i) {
    const auto saved = latency::median_interval(latency::paired_gains(timings, i), confidence);
    table.savings.push_back({saved.median, saved.low, saved.high});
  }
  std::vector<double> all_high;
  for (const auto& block : timings.seconds) all_high.push_back(block.front());
  table.reference = latency::median_interval(std::move(all_high), confidence).median;
  return table;
}

std::vector<std::int64_t> gains(const TimeTable& table) {
  std::vector<std::int64_t> gains;
  for (const auto& saving : table.savings)
    gains.push_back(std::llround(1e9 * saving.median / static_cast<double>(table.members)));
  return gains;
}

}  // namespace gainsweep::gain
