#include "gain/weight_bytes.hpp"

namespace gainsweep::gain {
namespace {

constexpr std::int64_t scale_bytes = 4;

std::int64_t num_scales(const graph::Op& op, const format::Format& format) {
  if (format.activation_scale == format::ScaleRule::fixed) return 0;
  return format.weight_granularity == format::Granularity::channel ? op.weight_channels : 1;
}

}  // namespace

std::int64_t weight_bytes(const graph::Op& op, const std::vector<format::Format>& formats,
                          FormatId id) {
  const std::int64_t high = op.weight_elements * formats[0].bits / 8;
  if (id == high_format || op.weight_elements == 0) return high;
  const auto& format = formats[id.index];
  const std::int64_t low =
      op.weight_elements * format.bits / 8 + num_scales(op, format) * scale_bytes;
  return op.weight_shared ? high + low : low;
}

}  // namespace gainsweep::gain
