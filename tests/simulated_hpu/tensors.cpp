// Operators that make, view and copy tensors: what LibTorch needs of any backend.

#include <ATen/EmptyTensor.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/_local_scalar_dense_native.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <torch/library.h>

#include "simulated_hpu/counters.hpp"
#include "simulated_hpu/host_view.hpp"
#include "simulated_hpu/memory.hpp"

namespace simulated_hpu {
namespace {

const c10::DispatchKeySet keys(c10::DispatchKey::SIMULATED_DEVICE);

at::Tensor empty(c10::SymIntArrayRef size, std::optional<at::ScalarType> dtype,
                 std::optional<at::Layout> /*layout*/, std::optional<at::Device> device,
                 std::optional<bool> /*pin*/, std::optional<at::MemoryFormat> format) {
  TORCH_CHECK(!device || device->index() <= 0, "habana active device: ", device->index(), " != 0");
  return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(size), &memory(), keys,
                                   c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(c10::SymIntArrayRef size, c10::SymIntArrayRef stride,
                         std::optional<at::ScalarType> dtype, std::optional<at::Layout> /*layout*/,
                         std::optional<at::Device> /*device*/, std::optional<bool> /*pin*/) {
  return at::detail::empty_strided_generic(C10_AS_INTARRAYREF_SLOW(size),
                                           C10_AS_INTARRAYREF_SLOW(stride), &memory(), keys,
                                           c10::dtype_or_default(dtype));
}

/// A copy to the host waits for all that went before it, unless it was told not to.
void read_by_host(bool waits) {
  ++counters().copies_to_host;
  if (waits) return card().step_and_wait();
  card().step();
  if (card().busy()) ++counters().unwaited_reads;
}

at::Tensor copy_from(const at::Tensor& self, const at::Tensor& to, bool non_blocking) {
  if (on_card(self) && !on_card(to)) read_by_host(!non_blocking);
  host_view(to).copy_(host_view(self));
  if (on_card(to)) {
    Work work{.signature = "copy", .bytes = bytes_of(self) + bytes_of(to)};
    describe(work.signature, to);
    card().issue(work);
  }
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& self, const at::Tensor& to) {
  to.resize_(self.sizes());
  return copy_from(self, to, false);
}

at::Scalar local_scalar(const at::Tensor& self) {
  read_by_host(true);
  return at::native::_local_scalar_dense_cpu(host_view(self));
}

at::Tensor view(const at::Tensor& self, c10::SymIntArrayRef size) {
  return at::native::view(self, C10_AS_INTARRAYREF_SLOW(size));
}

at::Tensor as_strided(const at::Tensor& self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride,
                      std::optional<c10::SymInt> offset) {
  return at::native::as_strided_tensorimpl(
      self, C10_AS_INTARRAYREF_SLOW(size), C10_AS_INTARRAYREF_SLOW(stride),
      offset ? std::optional(offset->guard_int(__FILE__, __LINE__)) : std::nullopt);
}

at::Tensor reshape_alias(const at::Tensor& self, c10::SymIntArrayRef size,
                         c10::SymIntArrayRef stride) {
  return at::native::_reshape_alias(self, C10_AS_INTARRAYREF_SLOW(size),
                                    C10_AS_INTARRAYREF_SLOW(stride));
}

const at::Tensor& resize(const at::Tensor& self, c10::SymIntArrayRef size,
                         std::optional<at::MemoryFormat> format) {
  return at::native::resize_(self, C10_AS_INTARRAYREF_SLOW(size), format);
}

}  // namespace
}  // namespace simulated_hpu

TORCH_LIBRARY_IMPL(aten, SIMULATED_DEVICE, m) {
  using namespace simulated_hpu;
  m.impl("empty.memory_format", simulated_hpu::empty);
  m.impl("empty_strided", simulated_hpu::empty_strided);
  m.impl("_copy_from", copy_from);
  m.impl("_copy_from_and_resize", copy_from_and_resize);
  m.impl("_local_scalar_dense", local_scalar);
  m.impl("view", view);
  m.impl("as_strided", as_strided);
  m.impl("_reshape_alias", reshape_alias);
  m.impl("resize_", resize);
  m.impl("unfold", at::native::unfold);
}
