// Prints the time of format::probe_span per element, for each type and number of formats, on one
// core: the loop that scoring adds to a backward pass.

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "format/format.hpp"
#include "format/kernel.hpp"
#include "format/scale.hpp"

namespace {

namespace format = gainsweep::format;

constexpr int repetitions = 41;

template <class T>
T from_float(float value) {
  return static_cast<T>(value);
}
template <>
format::Bf16 from_float<format::Bf16>(float value) {
  return {static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16)};
}

template <class T>
std::vector<T> normal_values(std::size_t length, float deviation, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<T> values(length);
  for (auto& value : values) value = from_float<T>(normal(generator));
  return values;
}

template <class T>
std::vector<format::ScaledGrid> scaled_grids(std::span<const T> values, std::size_t count) {
  const std::vector<std::string> names{"int8", "fp8_e4m3", "fp8_e5m2", "fp8_e4m3_gaudi2", "bf16"};
  const float amax = format::largest_magnitude(values);
  std::vector<format::ScaledGrid> grids;
  for (std::size_t i = 0; i < count; ++i) {
    const auto known = format::by_name(names[i]);
    grids.push_back({known.weight.grid, format::scale_of(*known.activation, amax)});
  }
  return grids;
}

/// Median and least nanoseconds per element of passes over rows of `row` elements.
template <class T>
void report(const char* type, std::size_t length, std::size_t row, std::size_t num_formats) {
  const auto z = normal_values<T>(length, 1, 1);
  const auto g = normal_values<T>(length, 1e-3F, 2);
  const auto grids = scaled_grids<T>(z, num_formats);
  format::ProbeSums sums;
  sums.signed_error.resize(num_formats);
  sums.square_error.resize(num_formats);
  std::vector<double> nanoseconds;
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t at = 0; at + row <= length; at += row) {
      format::probe_span<T>(grids, std::span(z).subspan(at, row), std::span(g).subspan(at, row),
                            sums);
    }
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
    nanoseconds.push_back(taken.count() / static_cast<double>(length));
  }
  std::sort(nanoseconds.begin(), nanoseconds.end());
  std::printf("%-7s %9zu %6zu %8zu %9.3f %9.3f\n", type, length, row, num_formats,
              nanoseconds[repetitions / 2], nanoseconds.front());
}

template <class T>
void report_all(const char* type) {
  constexpr std::size_t cached = std::size_t{1} << 16, large = std::size_t{1} << 24;
  for (std::size_t num_formats = 0; num_formats <= 5; ++num_formats) {
    report<T>(type, cached, cached, num_formats);
  }
  report<T>(type, cached, 1024, 3);
  report<T>(type, large, large, 3);
  report<T>(type, large, 1024, 3);
}

}  // namespace

int main() {
  std::printf("instruction set: %s\n", format::instruction_set());
  std::printf("type     elements    row  formats  ns/elem.     least\n");
  report_all<format::Bf16>("bf16");
  report_all<float>("float");
  report_all<double>("double");
}
