#include "gain/weight_bytes.hpp"

#include "format/block.hpp"

namespace gainsweep::gain {
namespace {

constexpr std::int64_t bits_of_byte = 8;
constexpr std::int64_t fp32_bits = 32;

std::int64_t scale_bits(const graph::Op& op, const format::NumberFormat& number) {
  if (number.scale == format::ScaleRule::fixed) return 0;
  switch (number.granularity) {
    case format::Granularity::tensor:
      return fp32_bits;
    case format::Granularity::channel:
      return op.weight_channels * fp32_bits;
    case format::Granularity::block:
      return format::scale_bits(number, op.weight_elements / op.weight_line, op.weight_line);
  }
  return 0;
}

std::int64_t bytes(std::int64_t bits) {
  return (bits + bits_of_byte - 1) / bits_of_byte;
}

}  // namespace

std::int64_t weight_bytes(const graph::Op& op, const std::vector<format::Format>& formats,
                          FormatId id) {
  const auto high = bytes(op.weight_elements * formats[0].weight.bits);
  if (id == high_format || op.weight_elements == 0) return high;
  const auto& number = formats[id.index].weight;
  const auto low = bytes(op.weight_elements * number.bits) + bytes(scale_bits(op, number));
  return op.weight_shared ? high + low : low;
}

}  // namespace gainsweep::gain
