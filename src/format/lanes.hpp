#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "format/variant.hpp"

/// The source of every variant: GCC vectors of `Bytes` bytes in groups of 32 lanes, whatever the
/// width of a register, so that each lane sees the same operations on every instruction set.
/// Included once by each variant's file. The unnamed namespace is deliberate: each file keeps its
/// own code, compiled with its own flags.
namespace gainsweep::format {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "pairs of Bf16 are split by place");

constexpr std::size_t lanes = 32;
constexpr std::size_t block = 512;  ///< elements between two additions of fp32 lanes to fp64
constexpr std::size_t totals = 8;   ///< fp64 lanes of a sum

template <class Real, int Bytes>
struct Vector {
  using Word = typename Words<Real>::Word;
  static constexpr std::size_t width = Bytes / sizeof(Real);
  static constexpr std::size_t per_group = lanes / width;
  typedef Real Value __attribute__((vector_size(Bytes)));
  typedef Word Bits __attribute__((vector_size(Bytes)));
  typedef std::make_signed_t<Word> Signed __attribute__((vector_size(Bytes)));
  typedef std::int32_t Integer __attribute__((vector_size(width * 4)));
  typedef std::uint16_t Half __attribute__((vector_size(width * 2)));
  typedef std::uint8_t Code __attribute__((vector_size(width)));

  static Value splat(Real value) { return value - Value{}; }
  static Value load(const Real* from) {
    Value value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
  }
  static Value load(const Bf16* from) {
    Half half;
    __builtin_memcpy(&half, from, sizeof half);
    return (Value)(__builtin_convertvector(half, Bits) << 16);
  }
  static void store(Value value, Real* to) { __builtin_memcpy(to, &value, sizeof value); }
  static void store(Value value, Bf16* to) {
    const Half half = __builtin_convertvector(to_bf16(value) >> 16, Half);
    __builtin_memcpy(to, &half, sizeof half);
  }
  /// The lanes of a group in registers: in order, for Bf16 first those of even and then those of
  /// odd index. So each register of 16-bit pairs is split by a shift and a mask, and a lane's place
  /// in `parts` as an array does not depend on the width.
  static void load_group(const Real* from, Value* parts) {
    for (std::size_t k = 0; k < per_group; ++k) parts[k] = load(from + k * width);
  }
  static void load_group(const Bf16* from, Value* parts) {
    for (std::size_t k = 0; k < per_group / 2; ++k) {
      Bits pairs;
      __builtin_memcpy(&pairs, from + 2 * k * width, sizeof pairs);
      parts[k] = (Value)(pairs << 16);
      parts[k + per_group / 2] = (Value)(pairs & 0xFFFF0000u);
    }
  }
  static void store_group(const Value* parts, Real* to) {
    for (std::size_t k = 0; k < per_group; ++k) store(parts[k], to + k * width);
  }
  static void store_group(const Value* parts, Bf16* to) {
    for (std::size_t k = 0; k < per_group / 2; ++k) {
      const Bits pairs =
          to_bf16(parts[k]) >> 16 | (to_bf16(parts[k + per_group / 2]) & 0xFFFF0000u);
      __builtin_memcpy(to + 2 * k * width, &pairs, sizeof pairs);
    }
  }

  /// The words of bfloat16 values: rounded half to even, saturating.
  static Bits to_bf16(Value value) {
    const Bits word = (Bits)value;
    const Value magnitude = (Value)(word & ~Words<Real>::sign);
    const Value max = splat(Real(0x1.FEp127));
    const Value bounded = magnitude > max ? max : magnitude;
    return (Bits)drop(bounded, 16) | (word & Words<Real>::sign);
  }

  /// A magnitude without its last `bits` mantissa bits, rounded half to even. NaN stays NaN.
  static Value drop(Value magnitude, int bits) {
    const Bits word = (Bits)magnitude;
    const Bits even = (word >> bits) & 1;
    const Bits sum = word + ((Word(1) << (bits - 1)) - 1) + even;
    const Value rounded = (Value)(sum & ~((Word(1) << bits) - 1));
    return magnitude == magnitude ? rounded : magnitude;
  }
};

/// The definition of the quotient: IEEE division, then the clamp.
struct TrueDivision {
  template <class Value, class Real>
  static Value quotient(Value magnitude, const Rounder<Real>& grid) {
    const Value quotient = magnitude / grid.scale;
    return quotient > grid.max ? grid.max - Value{} : quotient;
  }
};

/// Rounding by the magic number of `Rounder`. As signed words positive floats are ordered; a NaN's
/// magic number is of no account.
struct ByAddition {
  template <class V, class Real>
  static typename V::Value round(typename V::Value magnitude, const Rounder<Real>& grid) {
    using Signed = typename V::Signed;
    const auto least = (Signed)V::splat(grid.least_magic);
    const auto shifted =
        (Signed)(((typename V::Bits)magnitude & Words<Real>::exponent) + grid.exponent_shift);
    const auto magic = (typename V::Value)(shifted > least ? shifted : least);
    return (magnitude + magic) - magic;
  }
};

/// The same with a fixed magic number.
struct ToInteger {
  template <class V, class Real>
  static typename V::Value round(typename V::Value magnitude, const Rounder<Real>& grid) {
    return (magnitude + grid.least_magic) - grid.least_magic;
  }
};

/// Rounding in the word, for grids with the exponents of Real.
struct ByDropping {
  template <class V, class Real>
  static typename V::Value round(typename V::Value magnitude, const Rounder<Real>& grid) {
    return V::drop(magnitude, grid.dropped_bits);
  }
};

/// What a grid with a sign represents: everything.
struct WithSign {
  template <class Value>
  static Value represented(Value z) {
    return z;
  }
};

/// What a grid without one does: 0 in place of what is not above it. NaN stays.
struct WithoutSign {
  template <class Value>
  static Value represented(Value z) {
    return z <= 0 ? Value{} : z;
  }
};

/// Calls `body(division, rounding, sign)` with those that `grid` asks for; the loop is inside
/// `body`.
template <class Division, class Real, class Body>
void choose(const Rounder<Real>& grid, Body body) {
  if (grid.dropped_bits > 0) {
    body(TrueDivision{}, ByDropping{}, WithSign{});
  } else if (grid.is_unsigned) {
    grid.reciprocal_exact ? body(Division{}, ToInteger{}, WithoutSign{})
                          : body(TrueDivision{}, ToInteger{}, WithoutSign{});
  } else if (grid.integer) {
    grid.reciprocal_exact ? body(Division{}, ToInteger{}, WithSign{})
                          : body(TrueDivision{}, ToInteger{}, WithSign{});
  } else {
    grid.reciprocal_exact ? body(Division{}, ByAddition{}, WithSign{})
                          : body(TrueDivision{}, ByAddition{}, WithSign{});
  }
}

/// Calls `body(at, valid)` for each group of lanes; the last may have fewer than `lanes` valid
/// ones.
template <class Body>
void for_groups(std::size_t length, Body body) {
  std::size_t at = 0;
  for (; at + lanes <= length; at += lanes) body(at, lanes);
  if (at < length) body(at, length - at);
}

/// Calls `body(pointer)` with a pointer to a full group: `from` itself, or a copy padded with
/// zeros.
template <class T, class Body>
void with_full_group(const T* from, std::size_t valid, Body body) {
  if (valid == lanes) {
    body(from);
    return;
  }
  T padded[lanes] = {};
  __builtin_memcpy(padded, from, valid * sizeof(T));
  body(static_cast<const T*>(padded));
}

/// The lanes of a sum in fp32 (fp64 for double), which go on in fp64.
template <class Real, int Bytes>
struct LaneSum {
  typename Vector<Real, Bytes>::Value part[Vector<Real, Bytes>::per_group] = {};

  void flush(double* total) const {
    Real lane[lanes];
    __builtin_memcpy(lane, part, sizeof lane);
    for (std::size_t i = 0; i < lanes; i += totals) {
      for (std::size_t k = 0; k < totals; ++k) total[k] += static_cast<double>(lane[i + k]);
    }
  }
};

double added(const double* total) {
  return ((total[0] + total[4]) + (total[2] + total[6])) +
         ((total[1] + total[5]) + (total[3] + total[7]));
}

template <class T, int Bytes, class Division>
struct Lanes {
  using Real = RealOf<T>;
  using V = Vector<Real, Bytes>;
  using Value = typename V::Value;
  using Bits = typename V::Bits;
  using Words = format::Words<Real>;

  using Sum = LaneSum<Real, Bytes>;

  static Value magnitude_of(Value z) { return (Value)((Bits)z & ~Words::sign); }

  template <class Divide, class Round>
  static Value rounded_magnitude(Value magnitude, const Rounder<Real>& grid) {
    return Round::template round<V>(Divide::quotient(magnitude, grid), grid);
  }

  template <class Divide, class Round, class Sign>
  static void round_group(const Rounder<Real>& grid, const T* input, T* output) {
    Value parts[V::per_group];
    V::load_group(input, parts);
    for (Value& z : parts) {
      z = Sign::represented(z);
      const Value rounded = rounded_magnitude<Divide, Round>(magnitude_of(z), grid) * grid.scale;
      z = (Value)((Bits)rounded | ((Bits)z & Words::sign));
    }
    V::store_group(parts, output);
  }

  static void round(const Rounder<Real>& grid, const T* input, T* output, std::size_t length) {
    choose<Division>(grid, [&](auto divide, auto rounding, auto sign) {
      for_groups(length, [&](std::size_t at, std::size_t valid) {
        with_full_group(input + at, valid, [&](const T* full) {
          T result[lanes];
          const bool whole = valid == lanes;
          round_group<decltype(divide), decltype(rounding), decltype(sign)>(
              grid, full, whole ? output + at : result);
          if (!whole) __builtin_memcpy(output + at, result, valid * sizeof(T));
        });
      });
    });
  }

  static void quantize(const Rounder<Real>& grid, int zero_point, const T* input,
                       std::uint8_t* codes, std::size_t length) {
    choose<Division>(grid, [&](auto divide, auto rounding, auto sign) {
      for_groups(length, [&](std::size_t at, std::size_t valid) {
        std::uint8_t result[lanes];
        with_full_group(input + at, valid, [&](const T* full) {
          quantize_group<decltype(divide), decltype(rounding), decltype(sign)>(grid, zero_point,
                                                                               full, result);
        });
        __builtin_memcpy(codes + at, result, valid);
      });
    });
  }

  template <class Divide, class Round, class Sign>
  static void quantize_group(const Rounder<Real>& grid, int zero_point, const T* input,
                             std::uint8_t* codes) {
    for (std::size_t k = 0; k < V::per_group; ++k) {
      const Value z = V::load(input + k * V::width);
      const Value known = Sign::represented(z == z ? z : Value{});
      const Value rounded = rounded_magnitude<Divide, Round>(magnitude_of(known), grid);
      const Value value = (Value)((Bits)rounded | ((Bits)known & Words::sign));
      const auto integer = __builtin_convertvector(value, typename V::Integer) + zero_point;
      const auto code = __builtin_convertvector(integer, typename V::Code);
      __builtin_memcpy(codes + k * V::width, &code, sizeof code);
    }
  }

  /// As words the magnitudes are ordered finite < infinity < NaN.
  static Real largest(const T* values, std::size_t length) {
    Bits most[V::per_group] = {};
    for_groups(length, [&](std::size_t at, std::size_t valid) {
      with_full_group(values + at, valid, [&](const T* full) {
        Value parts[V::per_group];
        V::load_group(full, parts);
        for (std::size_t k = 0; k < V::per_group; ++k) {
          const Bits word = (Bits)magnitude_of(parts[k]);
          most[k] = word > most[k] ? word : most[k];
        }
      });
    });
    typename Words::Word result = 0;
    for (const Bits& part : most) {
      for (std::size_t i = 0; i < V::width; ++i) result = part[i] > result ? part[i] : result;
    }
    return __builtin_bit_cast(Real, result);
  }

  /// What `add_errors` takes of a block: |z|, g·sign(z) and, if some grid has no sign, z where it
  /// is above 0, else 0. Padded with zeros to full groups.
  struct Operand {
    Real* magnitudes;
    Real* gradients;
    Real* positives;
  };

  /// Adds the squares of a block to the first two totals and fills `operand`.
  static void add_squares(const T* z, const T* g, std::size_t length, const Operand& operand,
                          double (*total)[totals]) {
    Sum weighted, plain;
    for_groups(length, [&](std::size_t at, std::size_t valid) {
      with_full_group(z + at, valid, [&](const T* full_z) {
        with_full_group(g + at, valid, [&](const T* full_g) {
          Value values[V::per_group], slopes[V::per_group];
          V::load_group(full_z, values);
          V::load_group(full_g, slopes);
          for (std::size_t k = 0; k < V::per_group; ++k) {
            const Value magnitude = magnitude_of(values[k]);
            const Value gradient = (Value)((Bits)slopes[k] ^ ((Bits)values[k] & Words::sign));
            const Value product = magnitude * gradient;
            const Value counted = magnitude != Real(0) ? gradient : Value{};
            weighted.part[k] += product * product;
            plain.part[k] += counted * counted;
            const auto place = at + k * V::width;
            V::store(magnitude, operand.magnitudes + place);
            V::store(gradient, operand.gradients + place);
            if (operand.positives != nullptr)
              V::store(WithoutSign::represented(values[k]), operand.positives + place);
          }
        });
      });
    });
    weighted.flush(total[0]);
    plain.flush(total[1]);
  }

  /// Σ g·(Q(z) − z) = Σ g·sign(z)·(Q(|z|) − |z|), with 0 for Q of negative z without a sign, over a
  /// block of full groups, and the sum of the terms' squares.
  static void add_errors(const Rounder<Real>& grid, const Operand& operand, std::size_t length,
                         double (*total)[totals]) {
    const Real* represented = grid.is_unsigned ? operand.positives : operand.magnitudes;
    Sum error, square;
    choose<Division>(grid, [&](auto divide, auto rounding, auto) {
      Sum errors, squares;
      for (std::size_t at = 0; at < length; at += lanes) {
        for (std::size_t k = 0; k < V::per_group; ++k) {
          const auto place = at + k * V::width;
          const Value rounded = rounded_magnitude<decltype(divide), decltype(rounding)>(
                                    V::load(represented + place), grid) *
                                grid.scale;
          const Value error_of_magnitude = rounded - V::load(operand.magnitudes + place);
          const Value term = V::load(operand.gradients + place) * error_of_magnitude;
          errors.part[k] += term;
          squares.part[k] += term * term;
        }
      }
      error = errors;
      square = squares;
    });
    error.flush(total[0]);
    square.flush(total[1]);
  }

  static void probe(const Rounder<Real>* formats, std::size_t num_formats, const T* z, const T* g,
                    std::size_t length, double* sums) {
    alignas(64) Real magnitudes[block];
    alignas(64) Real gradients[block];
    alignas(64) Real positives[block];
    bool some_unsigned = false;
    for (std::size_t f = 0; f < num_formats; ++f) some_unsigned |= formats[f].is_unsigned;
    const Operand operand{magnitudes, gradients, some_unsigned ? positives : nullptr};
    double total[2 + 2 * max_probed][totals];
    __builtin_memset(total, 0, (2 + 2 * num_formats) * sizeof total[0]);
    for (std::size_t at = 0; at < length; at += block) {
      const std::size_t count = length - at < block ? length - at : block;
      const std::size_t padded = (count + lanes - 1) / lanes * lanes;
      add_squares(z + at, g + at, count, operand, total);
      for (std::size_t f = 0; f < num_formats; ++f) {
        add_errors(formats[f], operand, padded, total + 2 + 2 * f);
      }
    }
    for (std::size_t i = 0; i < 2 + 2 * num_formats; ++i) sums[i] = added(total[i]);
  }
};

}  // namespace
}  // namespace gainsweep::format
