// `gainsweep::cast_to_fp8` in one pass over memory. Where this library is not installed, plain
// operators do the same in three (src/execute/cast.cpp).

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <c10/util/BFloat16.h>
#include <c10/util/Float8_e4m3fn.h>
#include <c10/util/Float8_e5m2.h>
#include <c10/util/Half.h>
#include <torch/library.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace gainsweep::cuda {
namespace {

constexpr int threads = 256;
constexpr std::int64_t most_blocks = 4096;

/// As many numbers as are loaded and stored at once.
template <class T>
struct alignas(8 * sizeof(T)) Pack {
  T numbers[8];
};

/// The largest finite number of codes.
template <class Code>
inline constexpr float most = 0;
template <>
inline constexpr float most<c10::Float8_e4m3fn> = 448;
template <>
inline constexpr float most<c10::Float8_e5m2> = 57344;

/// The quotient in fp32, rounded as by IEEE division; a multiplication by the reciprocal gives
/// other codes. NaN stays NaN, as it is less than nothing and more than nothing.
template <class Code, class T>
__device__ Code code_of(T number, float scale) {
  const float quotient = __fdiv_rn(static_cast<float>(number), scale);
  return Code(quotient > most<Code> ? most<Code> : quotient < -most<Code> ? -most<Code> : quotient);
}

template <class Code, class T>
__global__ void cast(const T* z, const float* scale, Code* codes, std::int64_t count) {
  const float divisor = *scale;
  const auto packs = count / 8;
  const auto first = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  const auto step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (auto i = first; i < packs; i += step) {
    const auto given = reinterpret_cast<const Pack<T>*>(z)[i];
    Pack<Code> made;
    for (int j = 0; j < 8; ++j) made.numbers[j] = code_of<Code>(given.numbers[j], divisor);
    reinterpret_cast<Pack<Code>*>(codes)[i] = made;
  }
  for (auto i = 8 * packs + first; i < count; i += step) codes[i] = code_of<Code>(z[i], divisor);
}

template <class Code, class T>
void launch(const at::Tensor& z, const at::Tensor& scale, const at::Tensor& codes) {
  const auto count = z.numel();
  if (count == 0) return;
  const auto blocks = std::clamp<std::int64_t>((count / 8 + threads - 1) / threads, 1, most_blocks);
  cast<Code, T><<<static_cast<unsigned>(blocks), threads, 0, c10::cuda::getCurrentCUDAStream()>>>(
      z.const_data_ptr<T>(), scale.const_data_ptr<float>(), codes.mutable_data_ptr<Code>(), count);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

template <class Code>
at::Tensor codes_of(const at::Tensor& z, const at::Tensor& scale) {
  const auto type = c10::CppTypeToScalarType<Code>::value;
  const auto codes = at::empty(z.sizes(), z.options().dtype(type));
  switch (z.scalar_type()) {
    case at::kFloat:
      launch<Code, float>(z, scale, codes);
      break;
    case at::kBFloat16:
      launch<Code, c10::BFloat16>(z, scale, codes);
      break;
    case at::kHalf:
      launch<Code, c10::Half>(z, scale, codes);
      break;
    default:
      TORCH_CHECK(false, "cast_to_fp8 takes fp32, bf16 or fp16, not ", z.scalar_type());
  }
  return codes;
}

at::Tensor cast_to_fp8(const at::Tensor& z, const at::Tensor& scale, std::string_view format) {
  TORCH_CHECK(
      scale.numel() == 1 && scale.device() == z.device() && scale.scalar_type() == at::kFloat,
      "a scale of one fp32 number is needed where the tensor lives (", z.device(), "), not ",
      scale.numel(), " of ", scale.scalar_type(), " on ", scale.device());
  const c10::cuda::CUDAGuard guard(z.device());
  const auto rows = z.contiguous();
  if (format == "fp8_e4m3") return codes_of<c10::Float8_e4m3fn>(rows, scale);
  TORCH_CHECK(format == "fp8_e5m2", "activations are cast to fp8_e4m3 or fp8_e5m2, not to ",
              format);
  return codes_of<c10::Float8_e5m2>(rows, scale);
}

}  // namespace
}  // namespace gainsweep::cuda

TORCH_LIBRARY_IMPL(gainsweep, CUDA, m) {
  m.impl("cast_to_fp8", gainsweep::cuda::cast_to_fp8);
}
