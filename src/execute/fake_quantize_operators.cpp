#include "execute/fake_quantize_operators.hpp"

#include <string>

#include "execute/probe_elements.hpp"
#include "format/format.hpp"

namespace gainsweep::execute {
at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, double scale) {
  return round_tensor(format::by_name(std::string(format)).grid, {static_cast<float>(scale)}, z);
}

at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff) {
  const format::Format known = format::by_name(std::string(format));
  return round_tensor(known.grid, {format::scale_of(known.grid, largest_magnitude(z), backoff)}, z);
}

at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                bool per_channel) {
  if (!per_channel) return fake_quantize_dynamic(w, format, backoff);
  const format::Format known = format::by_name(std::string(format));
  std::vector<float> scales = largest_magnitude_of_rows(w);
  for (float& scale : scales) scale = format::scale_of(known.grid, scale, backoff);
  return round_tensor(known.grid, scales, w);
}

}  // namespace gainsweep::execute
