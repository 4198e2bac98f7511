#include "gain/time_table.hpp"

#include <algorithm>
#include <cmath>

#include "base/quantile.hpp"
#include "gain/gain.hpp"
#include "latency/resample.hpp"

namespace gainsweep::gain {
namespace {

constexpr std::size_t num_resamples = 1000;
constexpr const char* measured_source = "measured";

}  // namespace

double counted(const Saving& saving, Counting counting) {
  if (counting == Counting::median) return saving.median;
  return saving.low <= 0 && saving.high >= 0 ? 0 : saving.low;
}

TimeTable measured(std::vector<graph::Configuration> configurations,
                   const latency::Timings& timings, std::size_t members, double confidence,
                   std::uint64_t seed) {
  TimeTable table{std::move(configurations), {{}}, 0, members};
  std::vector<std::vector<double>> gains{latency::relative_gains(timings, 0)};
  for (std::size_t i = 1; i < table.configurations.size(); ++i) {
    gains.push_back(latency::relative_gains(timings, i));
    const auto saved = latency::median_interval(gains.back(), confidence);
    table.savings.push_back({saved.median, saved.low, saved.high});
  }
  table.reference = latency::median_interval(latency::all_high_seconds(timings), confidence).median;
  table.resampled =
      std::make_shared<const Resampled>(latency::resampled_medians(gains, num_resamples, seed));
  return table;
}

TimeTable stated(std::vector<graph::Configuration> configurations,
                 const std::vector<std::vector<double>>& seconds, const std::vector<double>& runs,
                 const std::vector<double>& weights, std::string source) {
  TimeTable table{std::move(configurations), {}, 0, 1, std::move(source)};
  Resampled cases;
  for (const auto& own : seconds) {
    auto& saved = cases.emplace_back();
    Saving saving;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      saved.push_back((seconds.front()[i] - own[i]) / runs[i]);
      saving.median += weights[i] * saved.back();
    }
    saving.low = *std::min_element(saved.begin(), saved.end());
    saving.high = *std::max_element(saved.begin(), saved.end());
    table.savings.push_back(saving);
  }
  for (std::size_t i = 0; i < runs.size(); ++i) table.reference += weights[i] * runs[i];
  table.resampled = std::make_shared<const Resampled>(std::move(cases));
  return table;
}

std::vector<std::int64_t> gains(const TimeTable& table, Counting counting) {
  std::vector<std::int64_t> gains;
  for (const auto& saving : table.savings)
    gains.push_back(
        std::llround(time_parts * counted(saving, counting) / static_cast<double>(table.members)));
  return gains;
}

double quietest_baseline(const Times& times) {
  double least = 0;
  for (const auto& table : times)
    if (table.reference > 0 && (least == 0 || table.reference < least)) least = table.reference;
  return least;
}

std::optional<Saving> saving(const Times& times, const graph::Partition& partition,
                             const graph::Assignment& assignment, double confidence) {
  Saving sum;
  const auto first = std::find_if(times.begin(), times.end(),
                                  [](const auto& table) { return table.resampled != nullptr; });
  const bool is_measured = times.empty() || times.front().source == measured_source;
  const bool has_cases = !is_measured && first != times.end();
  std::vector<double> drawn(has_cases ? first->resampled->front().size() : num_resamples);
  double low = 0, high = 0;
  for (std::size_t j = 0; j < times.size(); ++j) {
    const auto& table = times[j];
    const auto found = place(table.configurations, partition.subgraphs[j], assignment);
    if (!found) return std::nullopt;
    const auto members = static_cast<double>(table.members);
    const double median = table.savings[*found].median / members;
    sum.median += median;
    low += table.savings[*found].low / members;
    high += table.savings[*found].high / members;
    for (std::size_t r = 0; r < drawn.size(); ++r)
      drawn[r] += table.resampled ? (*table.resampled)[*found][r] / members : median;
  }
  std::sort(drawn.begin(), drawn.end());
  if (is_measured) {
    low = quantile(drawn, (1 - confidence) / 2);
    high = quantile(drawn, (1 + confidence) / 2);
  } else if (has_cases) {
    low = drawn.front();
    high = drawn.back();
  }
  sum.low = low;
  sum.high = high;
  return sum;
}

}  // namespace gainsweep::gain
