#include "execute/fake_quantize_operators.hpp"

#include <string>

#include "execute/plain_elements.hpp"
#include "execute/probe_elements.hpp"
#include "format/format.hpp"

namespace gainsweep::execute {
namespace {

format::Grid grid_of(std::string_view format) {
  return format::by_name(std::string(format)).grid;
}

std::vector<float> scales_of(const format::Grid& grid, std::vector<float> maxima, double backoff) {
  for (float& scale : maxima) scale = format::scale_of(grid, scale, backoff);
  return maxima;
}

}  // namespace

at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale) {
  return round_tensor(grid_of(format), {scale.item<float>()}, z);
}

at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff) {
  const auto grid = grid_of(format);
  return round_tensor(grid, scales_of(grid, {largest_magnitude(z)}, backoff), z);
}

at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                bool per_channel) {
  if (!per_channel) return fake_quantize_dynamic(w, format, backoff);
  const auto grid = grid_of(format);
  return round_tensor(grid, scales_of(grid, largest_magnitude_of_rows(w), backoff), w);
}

namespace plain {

at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale) {
  return fake_quantized(grid_of(format), z, scale);
}

at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff) {
  const auto grid = grid_of(format);
  const auto scales = scales_of(grid, {largest_magnitude(z)}, backoff);
  return fake_quantized(grid, z, scales_for(widened(z), scales));
}

at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                bool per_channel) {
  if (!per_channel) return fake_quantize_dynamic(w, format, backoff);
  const auto grid = grid_of(format);
  const auto scales = scales_of(grid, largest_magnitude_of_rows(w), backoff);
  return fake_quantized(grid, w, scales_for(widened(w), scales));
}

}  // namespace plain
}  // namespace gainsweep::execute
