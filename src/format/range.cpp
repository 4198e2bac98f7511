#include "format/range.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "format/kernel.hpp"
#include "format/scale.hpp"

namespace gainsweep::format {
namespace {

constexpr const char* of_all = "max";
constexpr int steps = 32, least_step = 8;

float largest(const NumberFormat&, std::span<const float> group) {
  return largest_magnitude(group);
}

/// In a fixed order, of several sums at once: one alone would wait for each addition.
double square_error(std::span<const float> group, std::span<const float> rounded) {
  std::array<double, 8> sums{};
  for (std::size_t first = 0; first < group.size(); first += sums.size())
    for (std::size_t k = 0; k < sums.size() && first + k < group.size(); ++k) {
      const double error = rounded[first + k] - group[first + k];
      sums[k] += error * error;
    }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

float of_least_error(const NumberFormat& number, std::span<const float> group) {
  const float amax = largest_magnitude(group);
  if (amax == 0 || !std::isfinite(amax)) return amax;
  std::vector<float> rounded(group.size());
  float best = amax;
  double least = std::numeric_limits<double>::infinity();
  for (int step = steps; step >= least_step; --step) {
    const float covered = amax * static_cast<float>(step) / steps;
    round_span<float>(number.grid, scale_of(number, covered), group, rounded);
    const double error = square_error(group, rounded);
    if (error >= least) continue;
    least = error;
    best = covered;
  }
  return best;
}

std::string none(const NumberFormat&) {
  return "";
}

std::string obstacle_to_mse(const NumberFormat& number) {
  if (number.granularity == Granularity::channel) return "";
  return "is of weights with a scale a channel (of others largest magnitudes alone are known). Set "
         "granularity to channel, or range to max.";
}

}  // namespace

Table<Range>& ranges() {
  static Table<Range> rows{{of_all, largest, none}, {"mse", of_least_error, obstacle_to_mse}};
  return rows;
}

bool covers_all(const NumberFormat& number) {
  return number.range == of_all;
}

}  // namespace gainsweep::format
