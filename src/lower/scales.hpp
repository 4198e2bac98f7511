#pragma once

#include "lower/pass.hpp"

namespace gainsweep::lower {

/// The number format of an operand of an op in a format; null for an activation that stays high.
const format::NumberFormat* number_of(const format::Format& format, const graph::Op& op,
                                      std::size_t operand);

/// The static scale of an op's operand in a format: of an activation, or of a weight whose elements
/// share one; of blocks in two levels what their scales count in (format::global_scale).
/// Error(internal) when `maxima` has no entry for it.
double static_scale(const format::NumberFormat& number, const graph::Op& op, std::size_t op_index,
                    std::size_t operand, const Maxima& maxima);

/// Throws Error(internal) unless an assignment gives every op one of `num_formats` formats.
void check_assignment(const graph::Assignment& assignment, std::size_t num_ops,
                      std::size_t num_formats);

}  // namespace gainsweep::lower
