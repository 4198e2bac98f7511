#include "format/format.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/error.hpp"

namespace gainsweep::format {
namespace {

constexpr std::int64_t mx_block = 32, nvfp4_block = 16;
constexpr std::int64_t group_sizes[] = {32, 64, 128};

NumberFormat floating(const std::string& name, int exponent_bits, int mantissa_bits, double max) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  return {.name = name,
          .grid = {.kind = Kind::floating,
                   .exponent_bits = exponent_bits,
                   .mantissa_bits = mantissa_bits,
                   .bias = bias,
                   .max = max},
          .bits = 1 + exponent_bits + mantissa_bits};
}

NumberFormat integer(const std::string& name, int bits) {
  const double max = (1 << (bits - 1)) - 1;
  return {.name = name, .grid = {.kind = Kind::integer, .max = max}, .bits = bits};
}

NumberFormat without_sign(NumberFormat number) {
  number.name = "u" + number.name;
  number.grid.max = std::exp2(number.bits) - 1;
  number.grid.is_unsigned = true;
  return number;
}

NumberFormat in_blocks(NumberFormat number, std::int64_t block, const std::string& scale_grid) {
  number.scale = ScaleRule::dynamic_max;
  number.granularity = Granularity::block;
  number.block = block;
  number.scale_grid = scale_grid;
  return number;
}

NumberFormat mx(const std::string& name, int exponent_bits, int mantissa_bits, double max) {
  return in_blocks(floating(name, exponent_bits, mantissa_bits, max), mx_block, "e8m0_floor");
}

Format of_both(const NumberFormat& number) {
  return {number.name, number, number};
}

std::string grouped(const std::string& name, std::int64_t group) {
  return name + "_g" + std::to_string(group);
}

/// One a number format, with what its scales are by default as a weight's and as an activation's.
std::vector<Format> uniform_formats() {
  NumberFormat bf16 = floating("bf16", 8, 7, 0x1.FEp127);
  bf16.scale = ScaleRule::fixed;
  Format int8 = of_both(integer("int8", 8)), int4 = of_both(integer("int4", 4));
  int8.weight.granularity = int4.weight.granularity = Granularity::channel;
  const Format uint8{"uint8", int8.weight, without_sign(*int8.activation)};
  // Intel's calibration leaves this head room for activations and weights that it has not seen.
  Format gaudi2 = of_both(floating("fp8_e4m3_gaudi2", 4, 3, 240));
  gaudi2.activation->backoff = 0.25;
  gaudi2.weight.backoff = 0.5;
  gaudi2.weight.scale_grid = gaudi2.activation->scale_grid = "gaudi2";
  NumberFormat nvfp4 = in_blocks(floating("nvfp4", 2, 1, 6), nvfp4_block, "e4m3");
  nvfp4.scale = ScaleRule::static_max;
  nvfp4.two_level = true;
  std::vector<Format> formats{of_both(bf16),
                              int8,
                              uint8,
                              int4,
                              of_both(floating("fp8_e4m3", 4, 3, 448)),
                              gaudi2,
                              of_both(floating("fp8_e5m2", 5, 2, 57344)),
                              of_both(mx("mxfp8_e4m3", 4, 3, 448)),
                              of_both(mx("mxfp8_e5m2", 5, 2, 57344)),
                              of_both(mx("mxfp6_e3m2", 3, 2, 28)),
                              of_both(mx("mxfp6_e2m3", 2, 3, 7.5)),
                              of_both(mx("mxfp4", 2, 1, 6)),
                              of_both(nvfp4)};
  for (const int bits : {4, 8})
    for (const auto group : group_sizes)
      formats.push_back(of_both(
          in_blocks(integer(grouped("int" + std::to_string(bits), group), bits), group, "bf16")));
  return formats;
}

struct Pair {
  std::string name;
  Composition of;
};

/// As runtimes call them: `w` and `a` with bits, 16 for what stays high.
std::vector<Pair> mixed_pairs() {
  std::vector<Pair> pairs;
  for (const auto group : group_sizes) {
    pairs.push_back({grouped("w4a16", group), {grouped("int4", group), ""}});
    pairs.push_back({grouped("w8a16", group), {grouped("int8", group), ""}});
    pairs.push_back({grouped("w4a8", group), {grouped("int4", group), "int8"}});
    pairs.push_back({grouped("w4afp8", group), {grouped("int4", group), "fp8_e4m3"}});
  }
  pairs.insert(pairs.end(), {{"mxfp4a16", {"mxfp4", ""}},
                             {"nvfp4a16", {"nvfp4", ""}},
                             {"mxfp4_fp8", {"mxfp4", "fp8_e4m3"}},
                             {"mxfp4_mxfp8", {"mxfp4", "mxfp8_e4m3"}}});
  return pairs;
}

std::string unknown_format(const std::string& name, const std::vector<std::string>& known) {
  std::string message = "unknown number format '" + name + "' (known:";
  for (const auto& one : known) message += " " + one;
  const std::string hint = closest(name, known);
  return message + "). " + (hint.empty() ? "Name one of these." : "Did you mean '" + hint + "'?");
}

const Format* uniform(const std::string& name) {
  static const auto formats = uniform_formats();
  const auto found = std::find_if(formats.begin(), formats.end(),
                                  [&](const auto& format) { return format.name == name; });
  return found == formats.end() ? nullptr : &*found;
}

}  // namespace

bool has_operand_scale(const NumberFormat& number) {
  return number.scale != ScaleRule::fixed &&
         (number.granularity == Granularity::tensor || number.two_level);
}

bool has_static_scale(const Format& format) {
  return format.activation && format.activation->scale == ScaleRule::static_max &&
         has_operand_scale(*format.activation);
}

bool shares_weight_scale(const Format& format) {
  return has_operand_scale(format.weight);
}

std::vector<std::string> number_names() {
  std::vector<std::string> result;
  for (const auto& format : uniform_formats()) result.push_back(format.name);
  return result;
}

std::vector<std::string> names() {
  auto result = number_names();
  for (const auto& pair : mixed_pairs()) result.push_back(pair.name);
  return result;
}

Composition composition(const std::string& name) {
  if (const auto* format = uniform(name)) return {format->weight.name, format->activation->name};
  for (const auto& pair : mixed_pairs())
    if (pair.name == name) return pair.of;
  throw Error(ErrorKind::config, unknown_format(name, names()));
}

Format by_name(const std::string& name) {
  const auto [weight, activation] = composition(name);
  Format format{name, uniform(weight)->weight};
  if (!activation.empty()) format.activation = uniform(activation)->activation;
  return format;
}

NumberFormat number_by_name(const std::string& name) {
  if (const auto* format = uniform(name))
    return format->weight.name == name ? format->weight : *format->activation;
  throw Error(ErrorKind::config, unknown_format(name, number_names()));
}

bool is_narrow(const Grid& grid) {
  return grid.kind == Kind::floating && grid.exponent_bits <= 2;
}

double paper_noise(const Grid& grid) {
  return std::ldexp(1.0, -2 * grid.mantissa_bits) / 12;
}

double log_uniform_noise(const Grid& grid) {
  const double mean = grid.kind == Kind::integer ? 1 : 3 / (8 * std::numbers::ln2);
  return mean * paper_noise(grid);
}

}  // namespace gainsweep::format
