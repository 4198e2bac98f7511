#pragma once

#include <compare>
#include <cstddef>

namespace gainsweep {

/// An index that does not mix with indices of another kind.
template <class Tag>
struct Id {
  std::size_t index = 0;
  auto operator<=>(const Id&) const = default;
};

/// A quantizable operation of a model, numbered in IR order.
using OpId = Id<struct OpTag>;
/// A sequential sub-graph, numbered by its first op.
using SubgraphId = Id<struct SubgraphTag>;
/// A structural class of sub-graphs.
using ClassId = Id<struct ClassTag>;
/// A number format of the run: 0 is the high format, 1… the low ones in the spec's order.
using FormatId = Id<struct FormatTag>;

/// The format that is not quantised.
inline constexpr FormatId high_format{0};

}  // namespace gainsweep
