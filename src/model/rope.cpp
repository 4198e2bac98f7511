#include "model/rope.hpp"

#include <cmath>
#include <numbers>

namespace gainsweep::model {
namespace {

double stretched(double frequency, const RopeScaling& scaling) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double turns = static_cast<double>(scaling.original_length) / wavelength;
  if (turns > scaling.high_frequency_factor) return frequency;
  if (turns < scaling.low_frequency_factor) return frequency / scaling.factor;
  const double kept = (turns - scaling.low_frequency_factor) /
                      (scaling.high_frequency_factor - scaling.low_frequency_factor);
  return (1 - kept) * frequency / scaling.factor + kept * frequency;
}

}  // namespace

std::vector<double> rope_frequencies(const Decoder& decoder) {
  std::vector<double> frequencies;
  const auto size = static_cast<double>(decoder.head_size);
  for (std::int64_t i = 0; i < decoder.head_size; i += 2) {
    const double frequency = std::pow(decoder.rope_theta, -static_cast<double>(i) / size);
    frequencies.push_back(decoder.rope_scaling ? stretched(frequency, *decoder.rope_scaling)
                                               : frequency);
  }
  return frequencies;
}

RopeTable rope_table(const Decoder& decoder, std::int64_t length) {
  const auto frequencies = rope_frequencies(decoder);
  RopeTable table;
  table.cos.reserve(static_cast<std::size_t>(length) * frequencies.size());
  table.sin.reserve(static_cast<std::size_t>(length) * frequencies.size());
  for (std::int64_t position = 0; position < length; ++position) {
    for (const double frequency : frequencies) {
      const double angle = static_cast<double>(position) * frequency;
      table.cos.push_back(std::cos(angle));
      table.sin.push_back(std::sin(angle));
    }
  }
  return table;
}

}  // namespace gainsweep::model
