#pragma once

#include <utility>

#include "format/lanes.hpp"

/// The source of every variant's kernels for number formats in blocks. As lanes.hpp.
namespace gainsweep::format {
namespace {

constexpr std::size_t least_block = 16;
constexpr std::size_t most_blocks = block / least_block;  ///< of one walk of `block` elements

/// Scales of the blocks of one walk: elements are multiplied by `factor` or divided by it, and
/// their rounded values multiplied by `scale`.
struct BlockScales {
  alignas(64) float factor[most_blocks];
  alignas(64) float scale[most_blocks];
};

/// Scales from the blocks' largest magnitudes, in vectors of fp32.
template <int Bytes>
struct ScaleLanes {
  using V = Vector<float, Bytes>;
  using Value = typename V::Value;
  using Bits = typename V::Bits;
  using Signed = typename V::Signed;

  static constexpr std::uint32_t infinity = Words<float>::exponent;
  static constexpr std::int32_t most_power = 254;  ///< of e8m0, biased

  static Value not_finite(Value largest) {
    return (Value)((Bits)V::splat(0.0F) | (0x7FC00000u & (Bits)((Bits)largest >= infinity)));
  }

  /// 2^(k − 127).
  static Value power(Signed k) {
    const Signed least = (Signed)V::splat(0x1p-127F);
    const Signed normal = k << 23;
    return (Value)(k == 0 ? least : normal);
  }

  static void powers(const BlockScaling& rule, Value largest, Value& factor, Value& scale) {
    Signed k = (Signed)(((Bits)largest + rule.raise) >> 23) - rule.exponent;
    k = k < 0 ? Signed{} : k;
    k = largest == 0.0F ? Signed{} + 127 : k;
    factor = power(most_power - k);
    scale = power(k);
  }

  static void levels(const BlockScaling& rule, Value largest, Value& factor, Value& scale) {
    const Value wanted = rule.global * (largest / rule.max);
    const Value bounded = wanted > rule.level.max ? V::splat(rule.level.max) : wanted;
    const Value rounded = ByAddition::round<V>(bounded, rule.level);
    scale = rounded / rule.global;
    factor = scale == 0.0F ? V::splat(1.0F) : scale;
  }

  static void fractions(const BlockScaling& rule, Value largest, Value& factor, Value& scale) {
    const Value free = largest / rule.max;
    scale = free < 0x1p-126F ? V::splat(0x1p-126F) : free;
    if (rule.is_bf16) scale = (Value)(((Bits)scale + 0xFFFFu) & 0xFFFF0000u);
    factor = scale;
  }

  static void find(const BlockScaling& rule, std::size_t count, const float* largest,
                   BlockScales& scales) {
    for (std::size_t at = 0; at < count; at += V::width) {
      const Value most = V::load(largest + at);
      Value factor{}, scale{};
      switch (rule.rule) {
        case BlockRule::power_of_two:
          powers(rule, most, factor, scale);
          break;
        case BlockRule::two_level:
          levels(rule, most, factor, scale);
          break;
        case BlockRule::fraction:
          fractions(rule, most, factor, scale);
          break;
      }
      const Value spoilt = not_finite(most);
      V::store(factor + spoilt, scales.factor + at);
      V::store(scale + spoilt, scales.scale + at);
    }
  }
};

template <class T, int Bytes>
struct Blocks {
  using Real = RealOf<T>;
  using V = Vector<Real, Bytes>;
  using Value = typename V::Value;
  using Bits = typename V::Bits;
  using Signed = typename V::Signed;
  using Words = format::Words<Real>;
  using Sum = LaneSum<Real, Bytes>;

  static_assert(least_block % V::width == 0, "a register holds one block's elements");

  /// The elements of one walk in order, padded with zeros to full groups.
  struct Walk {
    alignas(64) Real magnitudes[block];
    alignas(64) Real gradients[block];       ///< times the elements' signs
    alignas(64) float largest[most_blocks];  ///< magnitudes, of small blocks
  };

  template <int step, std::size_t... i>
  static Signed turned(Signed words, std::index_sequence<i...>) {
    return __builtin_shufflevector(words, words, (i + step) % V::width...);
  }

  template <int step>
  static Signed largest_lane(Signed words) {
    if constexpr (step == 0) {
      return words;
    } else {
      const Signed other = turned<step>(words, std::make_index_sequence<V::width>{});
      return largest_lane<step / 2>(other > words ? other : words);
    }
  }

  /// The largest magnitude of the elements of one small block. As words they are ordered finite <
  /// infinity < NaN.
  static float largest_of(const Real* magnitudes) {
    Signed most{};
    for (std::size_t i = 0; i < least_block; i += V::width) {
      const auto word = (Signed)V::load(magnitudes + i);
      most = word > most ? word : most;
    }
    const Signed all = largest_lane<static_cast<int>(V::width / 2)>(most);
    return static_cast<float>(((Value)all)[0]);
  }

  /// Those of all small blocks of a walk, 0 behind the last.
  static void find_largest(const Real* magnitudes, std::size_t padded, float* largest) {
    for (std::size_t b = 0; b < most_blocks; ++b)
      largest[b] = b * least_block < padded ? largest_of(magnitudes + b * least_block) : 0.0F;
  }

  /// The scales of a number format's blocks from the largest magnitudes of small ones.
  static void find_scales(const BlockRounder<Real>& number, const float* largest,
                          BlockScales& scales) {
    const std::size_t together = number.scaling.block / least_block;
    alignas(64) float own[most_blocks] = {};
    for (std::size_t b = 0; b < most_blocks / together; ++b) {
      std::uint32_t most = 0;
      for (std::size_t i = b * together; i < (b + 1) * together; ++i) {
        const auto word = __builtin_bit_cast(std::uint32_t, largest[i]);
        most = word > most ? word : most;
      }
      own[b] = __builtin_bit_cast(float, most);
    }
    ScaleLanes<Bytes>::find(number.scaling, most_blocks / together, own, scales);
  }

  struct Multiplied {
    static Value quotient(Value magnitude, Value factor) { return magnitude * factor; }
  };
  struct Divided {
    static Value quotient(Value magnitude, Value factor) { return magnitude / factor; }
  };

  /// Calls `body(division, rounding)`; the loop is inside `body`. Multiplying by the inverse of a
  /// power of two is dividing by it.
  template <class Body>
  static void choose(const BlockRounder<Real>& number, Body body) {
    if (number.scaling.rule == BlockRule::power_of_two) {
      body(Multiplied{}, ByAddition{});
    } else if (number.element.integer) {
      body(Divided{}, ToInteger{});
    } else {
      body(Divided{}, ByAddition{});
    }
  }

  /// The rounded magnitudes of one register's elements.
  template <class Divide, class Round>
  static Value rounded(const BlockRounder<Real>& number, Value magnitude, float factor,
                       float scale) {
    const Value quotient = Divide::quotient(magnitude, V::splat(Real(factor)));
    const Value bounded = quotient > number.element.max ? V::splat(number.element.max) : quotient;
    return Round::template round<V>(bounded, number.element) * V::splat(Real(scale));
  }

  /// Elements of full registers from `from`, which may be short of the last.
  static Value load(const T* from, std::size_t valid) {
    if (valid >= V::width) return V::load(from);
    T padded[V::width] = {};
    __builtin_memcpy(padded, from, valid * sizeof(T));
    return V::load(padded);
  }

  static Value magnitude_of(Value z) { return (Value)((Bits)z & ~Words::sign); }

  static void round_walk(const BlockRounder<Real>& number, const T* input, T* output,
                         std::size_t length) {
    alignas(64) Real magnitudes[block];
    alignas(64) float largest[most_blocks];
    const std::size_t padded = (length + lanes - 1) / lanes * lanes;
    for (std::size_t at = 0; at < padded; at += V::width) {
      const Value z = at < length ? load(input + at, length - at) : Value{};
      V::store(magnitude_of(z), magnitudes + at);
    }
    find_largest(magnitudes, padded, largest);
    BlockScales scales;
    find_scales(number, largest, scales);
    const int place = __builtin_ctzll(number.scaling.block);
    choose(number, [&](auto divide, auto rounding) {
      for (std::size_t at = 0; at < length; at += V::width) {
        const std::size_t b = at >> place;
        const Value result = rounded<decltype(divide), decltype(rounding)>(
            number, V::load(magnitudes + at), scales.factor[b], scales.scale[b]);
        const Bits sign = (Bits)load(input + at, length - at) & Words::sign;
        store((Value)((Bits)result | sign), output + at, length - at);
      }
    });
  }

  static void store(Value value, T* to, std::size_t valid) {
    if (valid >= V::width) {
      V::store(value, to);
      return;
    }
    T padded[V::width];
    V::store(value, padded);
    __builtin_memcpy(to, padded, valid * sizeof(T));
  }

  static void round_blocks(const BlockRounder<Real>& number, const T* input, T* output,
                           std::size_t length) {
    for (std::size_t at = 0; at < length; at += block)
      round_walk(number, input + at, output + at, length - at < block ? length - at : block);
  }

  static void fill(Walk& walk, const T* z, const T* g, std::size_t length, std::size_t padded) {
    for (std::size_t at = 0; at < padded; at += V::width) {
      Value value{}, slope{};
      if (at < length) {
        value = load(z + at, length - at);
        slope = load(g + at, length - at);
      }
      V::store(magnitude_of(value), walk.magnitudes + at);
      V::store((Value)((Bits)slope ^ ((Bits)value & Words::sign)), walk.gradients + at);
    }
    find_largest(walk.magnitudes, padded, walk.largest);
  }

  /// Σ g·sign(z)·(Q(|z|) − |z|), the sum of the terms' squares, and of integers Σ (g·Δ)² where z
  /// is not 0.
  static void add(const BlockRounder<Real>& number, const Walk& walk, std::size_t padded,
                  double (*total)[totals]) {
    BlockScales scales;
    find_scales(number, walk.largest, scales);
    Sum error, square, step;
    const int place = __builtin_ctzll(number.scaling.block);
    choose(number, [&](auto divide, auto rounding) {
      Sum errors, squares, steps;
      for (std::size_t at = 0; at < padded; at += lanes) {
        for (std::size_t k = 0; k < V::per_group; ++k) {
          const std::size_t i = at + k * V::width;
          const std::size_t b = i >> place;
          const Value magnitude = V::load(walk.magnitudes + i);
          const Value gradient = V::load(walk.gradients + i);
          const Value result = rounded<decltype(divide), decltype(rounding)>(
              number, magnitude, scales.factor[b], scales.scale[b]);
          const Value term = gradient * (result - magnitude);
          errors.part[k] += term;
          squares.part[k] += term * term;
          if constexpr (__is_same(decltype(rounding), ToInteger)) {
            const Value counted = magnitude != Real(0) ? gradient : Value{};
            const Value weighted = counted * V::splat(Real(scales.scale[b]));
            steps.part[k] += weighted * weighted;
          }
        }
      }
      error = errors;
      square = squares;
      step = steps;
    });
    error.flush(total[0]);
    square.flush(total[1]);
    step.flush(total[2]);
  }

  static void probe_blocks(const BlockRounder<Real>* formats, std::size_t num_formats, const T* z,
                           const T* g, std::size_t length, double* sums) {
    double total[3 * max_probed][totals];
    __builtin_memset(total, 0, 3 * num_formats * sizeof total[0]);
    Walk walk;
    for (std::size_t at = 0; at < length; at += block) {
      const std::size_t count = length - at < block ? length - at : block;
      const std::size_t padded = (count + lanes - 1) / lanes * lanes;
      fill(walk, z + at, g + at, count, padded);
      for (std::size_t f = 0; f < num_formats; ++f) add(formats[f], walk, padded, total + 3 * f);
    }
    for (std::size_t i = 0; i < 3 * num_formats; ++i) sums[i] = added(total[i]);
  }
};

}  // namespace
}  // namespace gainsweep::format
