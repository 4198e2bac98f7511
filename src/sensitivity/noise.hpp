#pragma once

#include <string>
#include <vector>

#include "base/table.hpp"
#include "sensitivity/contributions.hpp"
#include "sensitivity/shrinkage.hpp"

namespace gainsweep::sensitivity {

/// A model of the rounding error: what loss errors are made of (docs/method.md, "Loss errors").
struct Noise {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  /// Error(internal) without records or when they disagree on ops or formats.
  Contributions (*contributions)(const Scores& scores);
  /// The row of loss_models that goes with it where nobody names one.
  std::string loss_model = "anchored";
  /// It takes a rounding error for a part of its number's size, which elements of two exponent bits
  /// or fewer do not keep to.
  bool is_relative = false;
};

/// * empirical: `(Σ_operands e)²`
/// * squares: `Σ_operands q`
/// * shrunken: both, see shrunken()
/// * paper, log_uniform: `Σ_operands` of `α s` where the operand's number format is floating, with
///   α of that name, of `Σ_groups Δ²/12 · Σ_{z≠0} (∂g/∂z)²` where it is integer, under either name
/// An operand that stays high adds nothing. `paper` is arXiv 2505.13060's, the others this
/// project's.
Table<Noise>& noises();

/// What `shrunken` draws the low formats' loss errors with.
std::vector<Shrinkage> shrinkages(const Scores& scores);

/// Whether a model means something of a format: see is_relative.
bool suits(const Noise& noise, const format::Format& format);

}  // namespace gainsweep::sensitivity
