#include "execute/fake_quantize_operators.hpp"

#include <string>

#include "execute/plain_elements.hpp"
#include "execute/probe_elements.hpp"
#include "format/scale.hpp"

namespace gainsweep::execute {
namespace {

format::Format named(std::string_view format, std::string_view scale_grid) {
  auto result = format::by_name(std::string(format));
  result.scale_grid = scale_grid;
  return result;
}

format::Grid grid_of(std::string_view format) {
  return format::by_name(std::string(format)).grid;
}

std::vector<float> scales_of(const format::Format& format, std::vector<float> maxima,
                             double backoff) {
  for (float& scale : maxima) scale = format::scale_of(format, scale, backoff);
  return maxima;
}

}  // namespace

at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale) {
  return round_tensor(grid_of(format), {scale.item<float>()}, z);
}

at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff,
                                 std::string_view scale_grid) {
  const auto scaled = named(format, scale_grid);
  return round_tensor(scaled.grid, scales_of(scaled, {largest_magnitude(z)}, backoff), z);
}

at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                std::string_view scale_grid) {
  const auto scaled = named(format, scale_grid);
  return round_tensor(scaled.grid, scales_of(scaled, largest_magnitude_of_rows(w), backoff), w);
}

namespace plain {

at::Tensor fake_quantize(const at::Tensor& z, std::string_view format, const at::Tensor& scale) {
  return fake_quantized(grid_of(format), z, scale);
}

at::Tensor fake_quantize_dynamic(const at::Tensor& z, std::string_view format, double backoff,
                                 std::string_view scale_grid) {
  const auto scaled = named(format, scale_grid);
  const auto scales = scales_of(scaled, {largest_magnitude(z)}, backoff);
  return fake_quantized(scaled.grid, z, scales_for(widened(z), scales));
}

at::Tensor fake_quantize_weight(const at::Tensor& w, std::string_view format, double backoff,
                                std::string_view scale_grid) {
  const auto scaled = named(format, scale_grid);
  const auto scales = scales_of(scaled, largest_magnitude_of_rows(w), backoff);
  return fake_quantized(scaled.grid, w, scales_for(widened(w), scales));
}

}  // namespace plain
}  // namespace gainsweep::execute
