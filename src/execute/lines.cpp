#include "execute/lines.hpp"

#include <ATen/core/Tensor.h>
#include <c10/core/WrapDimMinimal.h>
#include <c10/util/Exception.h>

namespace gainsweep::execute {

Lines::Lines(const at::Tensor& x, std::int64_t dimension, std::int64_t restart)
    : data_(x.const_data_ptr()), sizes_(x.sizes().vec()), strides_(x.strides().vec()) {
  const auto at = c10::maybe_wrap_dim(dimension, x.dim());
  const auto place = static_cast<std::ptrdiff_t>(at);
  const auto size = x.size(at);
  length_ = restart == 0 ? size : restart;
  TORCH_CHECK(length_ > 0 && size % length_ == 0, "lines of ", length_,
              " elements do not divide a dimension of ", size);
  stride_ = x.stride(at);
  parts_ = size / length_;
  outer_ = x.numel() / size;
  flat_ = at == x.dim() - 1 && x.is_contiguous();
  sizes_.erase(sizes_.begin() + place);
  strides_.erase(strides_.begin() + place);
}

std::int64_t Lines::offset(std::int64_t index) const {
  std::int64_t result = index % parts_ * length_ * stride_;
  index /= parts_;
  for (std::size_t d = sizes_.size(); d-- > 0;) {
    result += index % sizes_[d] * strides_[d];
    index /= sizes_[d];
  }
  return result;
}

}  // namespace gainsweep::execute
