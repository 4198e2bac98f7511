#include "model/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gainsweep::model {
namespace {

/// θ^(−2i/D) for all pairs i.
std::vector<double> plain_frequencies(double theta, std::int64_t head_size) {
  std::vector<double> frequencies;
  const auto size = static_cast<double>(head_size);
  for (std::int64_t i = 0; i < head_size; i += 2)
    frequencies.push_back(std::pow(theta, -static_cast<double>(i) / size));
  return frequencies;
}

double stretched(double frequency, const Llama3Rope& rope) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double turns = static_cast<double>(rope.original_length) / wavelength;
  if (turns > rope.high_frequency_factor) return frequency;
  if (turns < rope.low_frequency_factor) return frequency / rope.factor;
  const double kept = (turns - rope.low_frequency_factor) /
                      (rope.high_frequency_factor - rope.low_frequency_factor);
  return (1 - kept) * frequency / rope.factor + kept * frequency;
}

/// The pair, a real number, that turns `turns` times in the original length.
double pair_of_turns(double turns, const YarnRope& yarn, double theta, std::int64_t head_size) {
  const auto length = static_cast<double>(yarn.original_length);
  return static_cast<double>(head_size) * std::log(length / (turns * 2 * std::numbers::pi)) /
         (2 * std::log(theta));
}

std::vector<double> yarn_frequencies(const YarnRope& yarn, double theta, std::int64_t head_size) {
  double first = pair_of_turns(yarn.beta_fast, yarn, theta, head_size);
  double last = pair_of_turns(yarn.beta_slow, yarn, theta, head_size);
  if (yarn.truncate) {
    first = std::floor(first);
    last = std::ceil(last);
  }
  first = std::max(first, 0.0);
  last = std::min(last, static_cast<double>(head_size - 1));
  if (first == last) last += 0.001;
  auto frequencies = plain_frequencies(theta, head_size);
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double stretch = std::clamp((static_cast<double>(i) - first) / (last - first), 0.0, 1.0);
    frequencies[i] *= stretch / yarn.factor + (1 - stretch);
  }
  return frequencies;
}

/// Frequencies by the kind of scaling.
struct Frequencies {
  double theta;
  std::int64_t head_size;
  std::int64_t length;

  std::vector<double> operator()(const std::monostate&) const {
    return plain_frequencies(theta, head_size);
  }

  std::vector<double> operator()(const LinearRope& linear) const {
    auto frequencies = plain_frequencies(theta, head_size);
    for (double& frequency : frequencies) frequency /= linear.factor;
    return frequencies;
  }

  std::vector<double> operator()(const DynamicRope& dynamic) const {
    if (length <= dynamic.trained_length) return plain_frequencies(theta, head_size);
    const double excess = static_cast<double>(length) / static_cast<double>(dynamic.trained_length);
    const auto size = static_cast<double>(head_size);
    return plain_frequencies(
        theta * std::pow(dynamic.factor * excess - (dynamic.factor - 1), size / (size - 2)),
        head_size);
  }

  std::vector<double> operator()(const Llama3Rope& llama3) const {
    auto frequencies = plain_frequencies(theta, head_size);
    for (double& frequency : frequencies) frequency = stretched(frequency, llama3);
    return frequencies;
  }

  std::vector<double> operator()(const YarnRope& yarn) const {
    return yarn_frequencies(yarn, theta, head_size);
  }

  std::vector<double> operator()(const LongRope& rope) const {
    const auto& factors = length > rope.original_length ? rope.long_factors : rope.short_factors;
    auto frequencies = plain_frequencies(theta, head_size);
    for (std::size_t i = 0; i < frequencies.size(); ++i) frequencies[i] /= factors.at(i);
    return frequencies;
  }
};

double attention_factor(const RopeScaling& scaling) {
  if (const auto* yarn = std::get_if<YarnRope>(&scaling)) return yarn->attention_factor;
  if (const auto* rope = std::get_if<LongRope>(&scaling)) return rope->attention_factor;
  return 1;
}

}  // namespace

std::vector<double> rope_frequencies(const Rope& rope, std::int64_t head_size,
                                     std::int64_t length) {
  return std::visit(Frequencies{rope.theta, head_size, length}, rope.scaling);
}

RopeTable rope_table(const Rope& rope, std::int64_t head_size, std::int64_t length) {
  const auto frequencies = rope_frequencies(rope, head_size, length);
  const double factor = attention_factor(rope.scaling);
  RopeTable table;
  table.cos.reserve(static_cast<std::size_t>(length) * frequencies.size());
  table.sin.reserve(static_cast<std::size_t>(length) * frequencies.size());
  for (std::int64_t position = 0; position < length; ++position) {
    for (const double frequency : frequencies) {
      const double angle = static_cast<double>(position) * frequency;
      table.cos.push_back(std::cos(angle) * factor);
      table.sin.push_back(std::sin(angle) * factor);
    }
  }
  return table;
}

}  // namespace gainsweep::model
