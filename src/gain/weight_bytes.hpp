#pragma once

#include <cstdint>
#include <vector>

#include "base/id.hpp"
#include "format/format.hpp"
#include "graph/graph.hpp"

namespace gainsweep::gain {

/// Bytes that an op's weight takes in a format, packed, scales included. A weight that something
/// else reads too (a tied embedding) keeps its high copy beside a low one. 0 for an op without a
/// weight.
std::int64_t weight_bytes(const graph::Op& op, const std::vector<format::Format>& formats,
                          FormatId format);

}  // namespace gainsweep::gain
