#include "lower/scales.hpp"

#include "base/error.hpp"
#include "format/block.hpp"
#include "format/scale.hpp"

namespace gainsweep::lower {

const format::NumberFormat* number_of(const format::Format& format, const graph::Op& op,
                                      std::size_t operand) {
  if (op.operands.at(operand).role == graph::OperandRole::weight) return &format.weight;
  return format.activation ? &*format.activation : nullptr;
}

double static_scale(const format::NumberFormat& number, const graph::Op& op, std::size_t op_index,
                    std::size_t operand, const Maxima& maxima) {
  if (op_index >= maxima.size() || operand >= maxima[op_index].size()) {
    throw Error(ErrorKind::internal, "op " + op.path + " has no observed maximum for operand " +
                                         std::to_string(operand) + " (format " + number.name +
                                         " has static scales). Observe calibration samples first");
  }
  const float amax = maxima[op_index][operand];
  return number.two_level ? format::global_scale(number, amax) : format::scale_of(number, amax);
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
