#include "format/format.hpp"

#include <cmath>
#include <numbers>

#include "base/error.hpp"

namespace gainsweep::format {
namespace {

Format floating(const std::string& name, int exponent_bits, int mantissa_bits, double max) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  return {.name = name,
          .grid = {.kind = Kind::floating,
                   .exponent_bits = exponent_bits,
                   .mantissa_bits = mantissa_bits,
                   .bias = bias,
                   .max = max},
          .bits = 1 + exponent_bits + mantissa_bits};
}

std::vector<Format> known_formats() {
  Format bf16 = floating("bf16", 8, 7, 0x1.FEp127);
  bf16.activation_scale = ScaleRule::fixed;
  Format int8{.name = "int8", .grid = {.kind = Kind::integer, .max = 127}, .bits = 8};
  int8.weight_granularity = Granularity::channel;
  // Intel's calibration leaves this head room for activations and weights that it has not seen.
  Format gaudi2 = floating("fp8_e4m3_gaudi2", 4, 3, 240);
  gaudi2.activation_backoff = 0.25;
  gaudi2.weight_backoff = 0.5;
  gaudi2.scale_grid = "gaudi2";
  return {bf16, int8, floating("fp8_e4m3", 4, 3, 448), gaudi2, floating("fp8_e5m2", 5, 2, 57344)};
}

std::string unknown_format(const std::string& name) {
  std::string message = "unknown number format '" + name + "' (known:";
  for (const auto& known : names()) message += " " + known;
  const std::string hint = closest(name, names());
  return message + "). " + (hint.empty() ? "Name one of these." : "Did you mean '" + hint + "'?");
}

}  // namespace

bool shares_weight_scale(const Format& format) {
  return format.activation_scale != ScaleRule::fixed &&
         format.weight_granularity == Granularity::tensor;
}

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const auto& format : known_formats()) result.push_back(format.name);
  return result;
}

Format by_name(const std::string& name) {
  for (auto& format : known_formats()) {
    if (format.name == name) return format;
  }
  throw Error(ErrorKind::config, unknown_format(name));
}

double paper_noise(const Grid& grid) {
  return std::ldexp(1.0, -2 * grid.mantissa_bits) / 12;
}

double log_uniform_noise(const Grid& grid) {
  const double mean = grid.kind == Kind::integer ? 1 : 3 / (8 * std::numbers::ln2);
  return mean * paper_noise(grid);
}

}  // namespace gainsweep::format
