#include "format/scale.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gainsweep::format {
namespace {

constexpr int fp32_exponent_bits = 8;
constexpr const char* gaudi2_format = "fp8_e4m3_gaudi2";
constexpr int gaudi3_largest_bias = 62;

float any_float(double free, const Grid&) {
  return std::max(static_cast<float>(free), std::numeric_limits<float>::min());
}

/// The least 2^e ≥ `free` whose e is a multiple of `step`, bounded.
float power(double free, int step, int least, int most) {
  int exponent = 0;
  if (std::frexp(free, &exponent) == 0.5) --exponent;
  while (exponent % step != 0) ++exponent;
  return std::ldexp(1.0F, std::clamp(exponent, least, most));
}

float power_of_two(double free, const Grid&) {
  constexpr int most = std::numeric_limits<float>::max_exponent - 1;
  return power(free, 1, std::numeric_limits<float>::min_exponent - 1, most);
}

float gaudi2(double free, const Grid&) {
  return power(free, 4, -8, 4);
}

float gaudi3(double free, const Grid& grid) {
  return power(free, 1, grid.bias - gaudi3_largest_bias, grid.bias);
}

std::string none(const NumberFormat&) {
  return "";
}

std::string obstacle_to_biases(const NumberFormat& number) {
  if (number.granularity == Granularity::tensor) return "";
  return "cannot hold scales of output channels (an exponent's bias is one for a whole tensor). "
         "Set granularity to tensor, or scale_grid to power_of_two or arbitrary.";
}

std::string obstacle_to_gaudi2(const NumberFormat& number) {
  if (number.name == gaudi2_format) return obstacle_to_biases(number);
  return "cannot hold the scales of " + number.name + " (a Gaudi 2 has these exponent biases for " +
         gaudi2_format + " alone). Set scale_grid to power_of_two or arbitrary.";
}

std::string obstacle_to_gaudi3(const NumberFormat& number) {
  if (number.grid.kind == Kind::floating) return obstacle_to_biases(number);
  return "cannot hold the scales of " + number.name +
         " (integers have no exponent's bias). Set scale_grid to power_of_two or arbitrary.";
}

}  // namespace

Table<ScaleGrid>& scale_grids() {
  static Table<ScaleGrid> rows{{"arbitrary", any_float, none},
                               {"power_of_two", power_of_two, none},
                               {"gaudi2", gaudi2, obstacle_to_gaudi2},
                               {"gaudi3", gaudi3, obstacle_to_gaudi3}};
  return rows;
}

float scale_of(const NumberFormat& number, float amax) {
  if (amax == 0 || number.grid.exponent_bits >= fp32_exponent_bits) return 1;
  const double free = amax / (number.grid.max * number.backoff);
  if (!std::isfinite(free)) return static_cast<float>(free);
  return scale_grids().at(number.scale_grid).at_least(free, number.grid);
}

}  // namespace gainsweep::format
