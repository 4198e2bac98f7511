#include "lower/scales.hpp"

#include "base/error.hpp"
#include "format/scale.hpp"

namespace gainsweep::lower {

double static_scale(const format::Format& format, const graph::Op& op, std::size_t op_index,
                    std::size_t operand, const Maxima& maxima) {
  if (op_index >= maxima.size() || operand >= maxima[op_index].size()) {
    throw Error(ErrorKind::internal, "op " + op.path + " has no observed maximum for operand " +
                                         std::to_string(operand) + " (format " + format.name +
                                         " has static scales). Observe calibration samples first");
  }
  const bool weight = op.operands.at(operand).role == graph::OperandRole::weight;
  return format::scale_of(format, maxima[op_index][operand],
                          weight ? format.weight_backoff : format.activation_backoff);
}

void check_assignment(const graph::Assignment& assignment, std::size_t num_ops,
                      std::size_t num_formats) {
  if (assignment.size() != num_ops) {
    throw Error(ErrorKind::internal, "an assignment of " + std::to_string(assignment.size()) +
                                         " formats for " + std::to_string(num_ops) + " ops");
  }
  for (const auto format : assignment) {
    if (format.index >= num_formats) {
      throw Error(ErrorKind::internal, "format " + std::to_string(format.index) +
                                           " in an assignment (there are " +
                                           std::to_string(num_formats) + ")");
    }
  }
}

}  // namespace gainsweep::lower
