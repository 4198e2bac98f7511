#pragma once

#include <cstdint>
#include <variant>
#include <vector>

namespace gainsweep::model {

/// How far a rotary position embedding is stretched beyond the texts that a model was trained on:
/// `rope_type` of config.json, one struct each, by the formulas of transformers 5.24
/// (modeling_rope_utils.py). D is how many numbers of a head turn, θ `rope_theta`, i counts pairs.

/// All positions divided by `factor`.
struct LinearRope {
  double factor = 1;
};

/// NTK-aware: for a sequence of L > `trained_length` tokens θ is multiplied by
/// (factor · L / trained_length − (factor − 1))^(D / (D − 2)). It depends on the sequence alone:
/// what transformers remembers of longer ones before it is left out.
struct DynamicRope {
  double factor = 1;
  std::int64_t trained_length = 2048;
};

/// Llama 3: wavelengths above original_length/low are stretched by `factor`, those below
/// original_length/high are kept, and between them the two are blended linearly in
/// original_length/wavelength.
struct Llama3Rope {
  double factor = 1;
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  std::int64_t original_length = 8192;
};

/// YaRN (arXiv 2309.00071): pairs that turn more than `beta_fast` times in `original_length`
/// positions are kept, those that turn less than `beta_slow` times are stretched by `factor`, and
/// between them the two are blended linearly in i; cos and sin are multiplied by
/// `attention_factor`. `truncate` rounds the ends of that range outwards to whole pairs.
struct YarnRope {
  double factor = 1;
  double beta_fast = 32;
  double beta_slow = 1;
  double attention_factor = 1;
  std::int64_t original_length = 2048;
  bool truncate = true;
};

/// LongRoPE (arXiv 2402.13753): each pair's frequency is divided by its number of `short_factors`,
/// in sequences of more than `original_length` tokens by that of `long_factors`; cos and sin are
/// multiplied by `attention_factor` in all.
struct LongRope {
  std::vector<double> short_factors{};
  std::vector<double> long_factors{};
  double attention_factor = 1;
  std::int64_t original_length = 4096;
};

using RopeScaling =
    std::variant<std::monostate, LinearRope, DynamicRope, Llama3Rope, YarnRope, LongRope>;

/// Rotary position embedding of a family.
struct Rope {
  double theta = 10000;
  RopeScaling scaling{};
};

/// Angles per position of each of the D/2 rotated pairs, θ^(−2i/D) where nothing is scaled, for a
/// sequence of `length` tokens.
std::vector<double> rope_frequencies(const Rope& rope, std::int64_t head_size, std::int64_t length);

/// cos and sin of position × frequency, times the attention factor of a YaRN or LongRoPE, row-major
/// [length, D/2], computed in double.
struct RopeTable {
  std::vector<double> cos;
  std::vector<double> sin;
};
RopeTable rope_table(const Rope& rope, std::int64_t head_size, std::int64_t length);

}  // namespace gainsweep::model
