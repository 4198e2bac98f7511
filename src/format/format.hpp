#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/words.hpp"

/// Number formats: exact rounding, scale rules and noise constants. No tensors, no LibTorch.
namespace gainsweep::format {

enum class Kind { floating, integer };
enum class Granularity {
  tensor,   ///< one scale for the whole operand
  channel,  ///< one scale per output channel (a weight's first dimension)
};

constexpr auto words(Granularity) {
  return std::to_array<Word<Granularity>>(
      {{Granularity::tensor, "tensor"}, {Granularity::channel, "channel"}});
}

enum class ScaleRule {
  fixed,        ///< scale 1: bf16
  static_max,   ///< activations: the largest magnitude over the first calibration samples
  dynamic_max,  ///< activations: the largest magnitude of the sample
};

constexpr auto words(ScaleRule) {
  return std::to_array<Word<ScaleRule>>({{ScaleRule::fixed, "fixed"},
                                         {ScaleRule::static_max, "static"},
                                         {ScaleRule::dynamic_max, "dynamic"}});
}

/// How a floating or integer grid is laid out. Saturating: finite values beyond `max` become ±max.
struct Grid {
  Kind kind = Kind::floating;
  int exponent_bits = 0;  ///< 0 for integers
  int mantissa_bits = 0;  ///< explicit ones; 0 for integers
  int bias = 0;
  double max = 0;  ///< largest finite magnitude: 448, 240, 57344, 127, …
};

/// A number format with its scale rule.
struct Format {
  std::string name;
  Grid grid;
  int bits = 16;  ///< storage of one element
  ScaleRule activation_scale = ScaleRule::static_max;
  double activation_backoff = 1;  ///< scale = amax / (max · backoff)
  double weight_backoff = 1;
  Granularity weight_granularity = Granularity::tensor;  ///< activations are always per tensor
  std::string scale_grid = "arbitrary";                  ///< a row of `scale_grids()`
};

/// Whether all elements of a weight share one scale, which follows from the largest of them.
bool shares_weight_scale(const Format& format);

/// Names of all known formats: bf16, int8, fp8_e4m3, fp8_e4m3_gaudi2, fp8_e5m2.
std::vector<std::string> names();

/// A known format with its default scale rule. Error(config) with a hint otherwise.
Format by_name(const std::string& name);

/// The noise constant α of a floating format for `d = α · s`: 2^(−2m)/12, the worst case inside a
/// binade (arXiv 2505.13060, from memory). For an integer grid 1/12, the variance of a uniform
/// error in units of the step: it multiplies the step-weighted norm.
double paper_noise(const Grid& grid);

/// `paper_noise` averaged over a log-uniform mantissa: 3/(8 ln 2) times it (this project). For an
/// integer grid 1/12 as well.
double log_uniform_noise(const Grid& grid);

}  // namespace gainsweep::format
