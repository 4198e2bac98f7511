#include "execute/cuda_probe.hpp"

#include <ATen/ATen.h>

#include <functional>
#include <map>

namespace gainsweep::execute {
namespace {

constexpr std::int64_t rows = 32, inputs = 64, outputs = 48;

/// Products of ones, each `inputs`.
at::Tensor fp8_products(at::Device place) {
  const auto codes = [&](std::int64_t count) {
    return at::ones({count, inputs}, at::TensorOptions(place)).to(at::kFloat8_e4m3fn);
  };
  const auto one = at::ones({1}, at::TensorOptions(place));
  return at::_scaled_mm(codes(rows), codes(outputs).t(), one, one, {}, {}, at::kBFloat16);
}

at::Tensor int8_products(at::Device place) {
  const auto options = at::TensorOptions(place).dtype(at::kChar);
  return at::_int_mm(at::ones({rows, inputs}, options), at::ones({outputs, inputs}, options).t());
}

}  // namespace

std::string why_not_run(const std::string& format, at::Device place) {
  static const std::map<std::string, std::function<at::Tensor(at::Device)>> products{
      {"fp8_e4m3", fp8_products}, {"int8", int8_products}};
  const auto product = products.find(format);
  if (product == products.end()) return "";
  try {
    const auto wrong = product->second(place).to(at::kFloat) != static_cast<double>(inputs);
    return wrong.any().item<bool>() ? "its products are wrong" : "";
  } catch (const c10::Error& error) {
    const std::string why = error.what_without_backtrace();
    return why.substr(0, why.find('\n'));
  }
}

}  // namespace gainsweep::execute
