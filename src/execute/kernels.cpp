#include "execute/kernels.hpp"

#include <ATen/native/verbose_wrapper.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "execute/operators.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

/// Standard output sent to a temporary file while it lives: oneDNN logs nowhere else.
class CapturedOutput {
 public:
  CapturedOutput() : file_(std::tmpfile(), &std::fclose) {
    std::fflush(stdout);
    saved_ = dup(STDOUT_FILENO);
    if (!file_ || saved_ < 0 || dup2(fileno(file_.get()), STDOUT_FILENO) < 0) {
      if (saved_ >= 0) close(saved_);
      throw Error(ErrorKind::environment,
                  "cannot capture standard output (no temporary file or descriptor). Check the "
                  "space in TMPDIR and the limit on open files");
    }
  }
  CapturedOutput(const CapturedOutput&) = delete;
  CapturedOutput& operator=(const CapturedOutput&) = delete;
  ~CapturedOutput() { restore(); }

  std::string text() {
    restore();
    std::rewind(file_.get());
    std::string text;
    for (int c = 0; (c = std::fgetc(file_.get())) != EOF;) text.push_back(static_cast<char>(c));
    return text;
  }

 private:
  void restore() {
    if (saved_ < 0) return;
    std::fflush(stdout);
    dup2(saved_, STDOUT_FILENO);
    close(saved_);
    saved_ = -1;
  }

  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  int saved_ = -1;
};

std::string captured(const std::function<void()>& work) {
  CapturedOutput output;
  torch::verbose::_mkldnn_set_verbose(1);
  try {
    work();
  } catch (...) {
    torch::verbose::_mkldnn_set_verbose(0);
    throw;
  }
  torch::verbose::_mkldnn_set_verbose(0);
  return output.text();
}

/// The kernel of the first of some primitives that a log says was run.
std::string first_kernel(const std::string& log, std::initializer_list<std::string_view> of) {
  for (const auto& line : split(log, '\n')) {
    const auto parts = split(line, ',');
    const auto exec = std::find(parts.begin(), parts.end(), "exec");
    // …,exec,cpu,matmul,brg_matmul:avx512_core_vnni,…
    if (exec == parts.end() || parts.end() - exec < 4) continue;
    if (std::find(of.begin(), of.end(), exec[2]) != of.end()) return exec[3];
  }
  return "";
}

}  // namespace

std::string product_kernel(const std::string& log) {
  return first_kernel(log, {"matmul", "inner_product"});
}

std::string convolution_kernel(const std::string& log) {
  return first_kernel(log, {"convolution"});
}

namespace {

std::string linear_kernel(const std::string& what, const std::function<void()>& work) {
  auto kernel = product_kernel(onednn_log(work));
  if (!kernel.empty()) return kernel;
  throw Error(ErrorKind::environment, "oneDNN ran no matrix product for the " + what +
                                          " linear layer (it logged none). Use a LibTorch built "
                                          "with oneDNN");
}

std::string kernel_of_convolution(const std::string& what, const std::function<void()>& work) {
  auto kernel = convolution_kernel(onednn_log(work));
  if (!kernel.empty()) return kernel;
  throw Error(ErrorKind::environment, "oneDNN ran no convolution for the one in " + what +
                                          " (it logged none). Use a LibTorch built with oneDNN");
}

template <class... Arguments>
at::Tensor call(const char* op, Arguments&&... arguments) {
  torch::jit::Stack stack{c10::IValue(std::forward<Arguments>(arguments))...};
  find_operator(op).callBoxed(stack);
  return stack.front().toTensor();
}

c10::IValue no_scalars() {
  return c10::List<std::optional<at::Scalar>>();
}

void run_high(const LinearShape& shape, at::ScalarType type) {
  const auto x = at::ones({shape.rows, shape.inputs}, type);
  const auto weight = call("mkldnn::_reorder_linear_weight",
                           at::ones({shape.outputs, shape.inputs}, type), c10::IValue());
  call("mkldnn::_linear_pointwise", x, weight, c10::IValue(), "none", no_scalars(), "");
}

void run_int8(const LinearShape& shape, at::ScalarType high) {
  const auto& [rows, inputs, outputs] = shape;
  const auto codes = at::ones({rows, inputs}, at::kByte);
  const auto weight =
      call("onednn::qlinear_prepack", at::ones({outputs, inputs}, at::kChar), c10::IValue());
  call("onednn::qlinear_pointwise", codes, 1.0, 128, weight, at::ones({outputs}, at::kFloat),
       at::zeros({outputs}, at::kInt), c10::IValue(), 1.0, 0, static_cast<std::int64_t>(high),
       "none", no_scalars(), "");
}

void run_high(const ConvolutionShape& shape, at::ScalarType type) {
  const auto& [stride, padding, dilation, groups] = shape.window;
  const auto weight = call("mkldnn::_reorder_convolution_weight", at::ones(shape.weight, type),
                           padding, stride, dilation, groups, shape.images);
  call("mkldnn::_convolution_pointwise", at::ones(shape.images, type), weight, c10::IValue(),
       padding, stride, dilation, groups, "none", no_scalars(), "");
}

void run_int8(const ConvolutionShape& shape, at::ScalarType high) {
  const auto& [stride, padding, dilation, groups] = shape.window;
  const auto scales = at::ones({shape.weight.at(0)}, at::kFloat);
  const auto weight = call("onednn::qconv_prepack", at::ones(shape.weight, at::kChar), scales, 1.0,
                           128, stride, padding, dilation, groups, shape.images);
  call("onednn::qconv_pointwise", at::ones(shape.images, at::kByte), 1.0, 128, weight, scales,
       at::zeros_like(scales, at::kInt), c10::IValue(), stride, padding, dilation, groups, 1.0, 0,
       static_cast<std::int64_t>(high), "none", no_scalars(), "");
}

/// What has one dimension of space as images of one row, which is how it is run.
ConvolutionShape as_images(ConvolutionShape shape) {
  auto& [stride, padding, dilation, groups] = shape.window;
  if (stride.size() > 1) return shape;
  shape.images.insert(shape.images.begin() + 2, 1);
  shape.weight.insert(shape.weight.begin() + 2, 1);
  stride.insert(stride.begin(), 1);
  padding.insert(padding.begin(), 0);
  dilation.insert(dilation.begin(), 1);
  return shape;
}

/// Whether a kernel's instruction set multiplies bytes without loss. From the names that oneDNN
/// gives them.
bool multiplies_bytes(const std::string& kernel) {
  for (const char* part : {"vnni", "amx", "avx10"})
    if (kernel.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

std::string onednn_log(const std::function<void()>& work) {
  // oneDNN prints its headline, instruction set included, once a process: read it first.
  onednn_instruction_set();
  return captured(work);
}

const std::string& onednn_instruction_set() {
  static const std::string name = [] {
    // In fp32, which every processor has kernels for.
    const auto log = captured([] { run_high({1, 16, 16}, at::kFloat); });
    const std::string mark = "info,cpu,isa:";
    const auto begin = log.find(mark);
    if (begin == std::string::npos) return std::string("unknown");
    const auto from = begin + mark.size();
    return log.substr(from, log.find('\n', from) - from);
  }();
  return name;
}

KernelNames linear_kernels(const LinearShape& shape, Precision high) {
  require_operators({"mkldnn::_reorder_linear_weight", "mkldnn::_linear_pointwise",
                     "onednn::qlinear_prepack", "onednn::qlinear_pointwise",
                     "onednn::qlinear_pointwise.tensor", "aten::_int_mm"});
  const c10::InferenceMode inference;
  const auto type = to_scalar_type(high);
  KernelNames kernels;
  kernels.int8 = linear_kernel("int8", [&] { run_int8(shape, type); });
  if (kernels.int8.starts_with("ref")) {
    throw Error(ErrorKind::environment,
                "int8 linear layers run on the reference kernel " + kernels.int8 +
                    " here (oneDNN has no fast one for this processor), so their times would mean "
                    "nothing. Measure on a processor with AVX512-VNNI, AVX2-VNNI or AMX");
  }
  kernels.high = linear_kernel("high", [&] { run_high(shape, type); });
  return kernels;
}

KernelNames convolution_kernels(const ConvolutionShape& given, Precision high) {
  require_operators({"mkldnn::_reorder_convolution_weight", "mkldnn::_convolution_pointwise",
                     "onednn::qconv_prepack", "onednn::qconv_pointwise",
                     "onednn::qconv_pointwise.tensor"});
  const c10::InferenceMode inference;
  const auto type = to_scalar_type(high);
  const auto shape = as_images(given);
  KernelNames kernels;
  kernels.int8 = kernel_of_convolution("int8", [&] { run_int8(shape, type); });
  if (!multiplies_bytes(kernels.int8)) {
    throw Error(ErrorKind::environment,
                "int8 convolutions run on the kernel " + kernels.int8 +
                    " here (oneDNN has none that multiplies bytes without loss), so their times "
                    "would mean nothing. Measure on a processor with AVX512-VNNI, AVX2-VNNI or "
                    "AMX");
  }
  kernels.high = kernel_of_convolution("high", [&] { run_high(shape, type); });
  return kernels;
}

}  // namespace gainsweep::execute
