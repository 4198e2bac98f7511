#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/ops/arange.h>
#include <torch/version.h>

#include <array>
#include <fstream>

#include "digest/digest.hpp"
#include "execute/kernels.hpp"
#include "execute/processors.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "cpu";
}

/// The number in LibTorch's sentence "… v3.12.0 (Git Hash …)", or all of it in other words.
std::string onednn_version() {
  const auto sentence = at::get_mkldnn_version();
  const auto begin = sentence.find(" v");
  if (begin == std::string::npos) return sentence;
  return sentence.substr(begin + 2, sentence.find(' ', begin + 2) - begin - 2);
}

std::string capability() {
  return at::get_cpu_capability() + "; oneDNN: " + onednn_instruction_set();
}

/// Digest of products whose bits follow from kernel, blocking and order of sums: small and large,
/// long in the summed dimension, odd in all of them, in each precision that stages compute in.
std::string arithmetic() {
  constexpr std::array<std::array<std::int64_t, 3>, 5> shapes{
      {{1, 257, 31}, {7, 768, 65}, {64, 1536, 96}, {129, 65, 257}, {16, 4096, 16}}};
  digest::Builder builder;
  for (const auto type : {at::kFloat, at::kBFloat16})
    for (const auto& [rows, inner, columns] : shapes) {
      const auto numbers = [&](std::int64_t m, std::int64_t n) {
        return at::arange(m * n, at::kDouble)
            .mul(0.7548776662)
            .frac()
            .sub(0.5)
            .view({m, n})
            .to(type);
      };
      const auto product = numbers(rows, inner).matmul(numbers(inner, columns)).to(at::kFloat);
      builder.add("product", std::string_view(static_cast<const char*>(product.const_data_ptr()),
                                              product.nbytes()));
    }
  return builder.finish().substr(0, 16);
}

}  // namespace

void start(const Device& device, std::int64_t threads, std::size_t index) {
  load(device);
  device.take(index);
  check_threads(threads, allowed_processors(), processor_quota());
  at::set_num_threads(static_cast<int>(threads));
}

Environment environment(const Device& device) {
  const auto identity = device.identity();
  return {.torch_version = std::string(TORCH_VERSION) + ", oneDNN " + onednn_version(),
          .device_name = identity.card.empty() ? processor_name() : identity.card,
          .identity = identity,
          .instruction_set = capability(),
          .arithmetic = arithmetic(),
          .threads = at::get_num_threads()};
}

}  // namespace gainsweep::execute
