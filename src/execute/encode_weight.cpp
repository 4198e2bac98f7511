// Weights in 8-bit floating codes, made on the host whatever the device: a device's own cast may
// know another table of codes.

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include "execute/named_number.hpp"
#include "execute/operators.hpp"
#include "execute/plain_elements.hpp"
#include "execute/row_scales.hpp"
#include "format/scale.hpp"

namespace gainsweep::execute {
namespace {

at::ScalarType codes_of(const format::NumberFormat& number) {
  return number.grid.mantissa_bits == 3 ? at::kFloat8_e4m3fn : at::kFloat8_e5m2;
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> encode_weight(const at::Tensor& w, std::string_view format_name,
                                                 double backoff, bool per_channel,
                                                 std::string_view scale_grid,
                                                 std::string_view range) {
  const auto format = named_number(format_name, scale_grid, backoff, range);
  const auto values = plain::widened(w.to(at::kCPU).contiguous());
  const auto numbers =
      per_channel ? row_scales(format, values)
                  : std::vector<float>{format::scale_of(format, plain::largest_magnitude(values))};
  const auto scales = plain::scales_for(values, numbers);
  const auto one = plain::scales_for(values, {1});
  const auto codes = plain::rounded(format.grid, values / scales, one).to(codes_of(format));
  return {codes.to(w.device()), at::tensor(numbers, at::kFloat).to(w.device())};
}

}  // namespace gainsweep::execute
