#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/words.hpp"

/// Number formats: exact rounding, scale rules and noise constants. No tensors, no LibTorch.
namespace gainsweep::format {

enum class Kind { floating, integer };
enum class Granularity {
  tensor,   ///< one scale for the whole operand
  channel,  ///< one scale per output channel (a weight's first dimension)
  block,    ///< one scale for a few neighbours along the dimension that products sum over
};

constexpr auto words(Granularity) {
  return std::to_array<Word<Granularity>>({{Granularity::tensor, "tensor"},
                                           {Granularity::channel, "channel"},
                                           {Granularity::block, "block"}});
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

/// How a floating or integer grid is laid out. Saturating: finite values beyond `max` become ±max,
/// or, without a sign, those below 0 become 0.
struct Grid {
  Kind kind = Kind::floating;
  int exponent_bits = 0;  ///< 0 for integers
  int mantissa_bits = 0;  ///< explicit ones; 0 for integers
  int bias = 0;
  double max = 0;            ///< largest finite magnitude: 448, 240, 57344, 127, …
  bool is_unsigned = false;  ///< integers from 0 on
};

/// How the numbers of one operand are stored, with the rule of their scales.
struct NumberFormat {
  std::string name;
  Grid grid;
  int bits = 16;                            ///< storage of one element
  ScaleRule scale = ScaleRule::static_max;  ///< of activations: where that of the operand is from
  double backoff = 1;                       ///< scale = amax / (max · backoff)
  Granularity granularity = Granularity::tensor;
  std::int64_t block = 0;  ///< elements that share a scale, under Granularity::block
  /// Whether scales of blocks count in units of a scale of the whole operand.
  bool two_level = false;
  std::string range = "max";             ///< of weights: a row of `ranges()`
  std::string scale_grid = "arbitrary";  ///< a row of `scale_grids()`, or of `block_scales()`
};

/// What an op is lowered to: how its weight is stored and how its activations are.
struct Format {
  std::string name;
  NumberFormat weight;
  std::optional<NumberFormat> activation{};  ///< none: activations stay in the high format
};

/// Whether a scale follows from the largest magnitude of the whole operand.
bool has_operand_scale(const NumberFormat& number);

/// Whether activations have a scale that calibration samples give.
bool has_static_scale(const Format& format);

/// Whether a scale of a weight follows from the largest of all its elements.
bool shares_weight_scale(const Format& format);

/// Names of the number formats; each is a format's name too, of both operands, but of uint8, whose
/// weights are int8.
/// * bf16, int8, uint8, int4, fp8_e4m3, fp8_e4m3_gaudi2, fp8_e5m2
/// * blocks of 32 with a power of two (OCP Microscaling Formats 1.0): mxfp8_e4m3, mxfp8_e5m2,
///   mxfp6_e3m2, mxfp6_e2m3, mxfp4
/// * blocks of 16 with an e4m3 scale in units of one of the operand: nvfp4
/// * integers in groups of 32, 64 or 128: int4_g32 …, int8_g32 …
std::vector<std::string> number_names();

/// The number formats that a format's name stands for.
struct Composition {
  std::string weight;
  std::string activation;  ///< empty: activations stay high
};

/// Error(config) with a hint for a name that is none of `names()`.
Composition composition(const std::string& name);

/// Names of all known formats: those of number formats, and of pairs that runtimes have (docs/
/// formats.md).
std::vector<std::string> names();

/// A known format with its default scale rules. Error(config) as above.
Format by_name(const std::string& name);

/// A number format with its grid, for those who bring the scales. Error(config) as above.
NumberFormat number_by_name(const std::string& name);

/// Whether a floating grid has so few exponents that its spacing is the same for most numbers: then
/// no noise constant tells its rounding errors.
bool is_narrow(const Grid& grid);

/// The noise constant α of a floating format for `d = α · s`: 2^(−2m)/12, the worst case inside a
/// binade (arXiv 2505.13060, from memory). For an integer grid 1/12, the variance of a uniform
/// error in units of the step: it multiplies the step-weighted norm.
double paper_noise(const Grid& grid);

/// `paper_noise` averaged over a log-uniform mantissa: 3/(8 ln 2) times it (this project). For an
/// integer grid 1/12 as well.
double log_uniform_noise(const Grid& grid);

}  // namespace gainsweep::format
