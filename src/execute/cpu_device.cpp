#include "execute/cpu_device.hpp"

#include "base/error.hpp"
#include "execute/int8_matmul.hpp"
#include "execute/kernels.hpp"

namespace gainsweep::execute {
namespace {

std::vector<std::string> cpu_kernels(const LinearShape& shape, Precision high) {
  const auto used = linear_kernels(shape, high);
  std::vector<std::string> kernels{"int8 " + used.int8};
  if (!int8_matmul_kernel().empty())
    kernels.push_back("int8 of activations " + int8_matmul_kernel());
  if (high == Precision::bf16) kernels.push_back("bf16 " + used.high);
  return kernels;
}

/// Why convolutions have no kernel in int8; empty where they have.
const std::string& lacking_convolution() {
  static const std::string why = [] {
    const ConvolutionShape shape{{1, 64, 14, 14}, {64, 64, 3, 3}, {{1, 1}, {1, 1}, {1, 1}, 1}};
    try {
      convolution_kernels(shape, Precision::fp32);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  }();
  return why;
}

std::vector<std::string> cpu_convolution_kernels(const ConvolutionShape& shape, Precision high) {
  if (!lacking_convolution().empty()) return {};
  const auto used = convolution_kernels(shape, high);
  std::vector<std::string> kernels{"int8 " + used.int8};
  if (high == Precision::bf16) kernels.push_back("bf16 " + used.high);
  return kernels;
}

std::string cpu_lacks(graph::OpKind kind, const format::Format& format) {
  if (format.name != "int8" && format.name != "uint8") return "";
  if (kind == graph::OpKind::convolution) return lacking_convolution();
  if (kind != graph::OpKind::matmul || !int8_matmul_kernel().empty()) return "";
  return "products of two activations in int8 have no fast kernel here (aten::_int_mm runs none of "
         "oneDNN's)";
}

// What oneDNN says of itself: no kernel of it was tried.
std::vector<std::string> cpu_notes() {
  if (onednn_instruction_set().find("float8") == std::string::npos) return {};
  return {"oneDNN lists float8 for this processor; no kernel of it is used here"};
}

}  // namespace

Device cpu_device() {
  return {.name = "cpu",
          .target = [] { return std::string("onednn"); },
          .missing = [] { return std::string(); },
          .load = [] {},
          .visible = [] { return std::vector<std::string>{"0"}; },
          .take = [](std::size_t) {},
          .place = [] { return std::string("cpu"); },
          .identity = [] { return Identity{}; },
          // A call returns when its work is done.
          .record = [] { return Event{[] {}}; },
          .kernels = cpu_kernels,
          .convolution_kernels = cpu_convolution_kernels,
          .lacks = cpu_lacks,
          .notes = cpu_notes,
          .fused_probes = true,
          .shared_by_ranks = true};
}

}  // namespace gainsweep::execute
