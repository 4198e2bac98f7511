#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

/// Lines of tensors: all elements along one dimension, whatever the layout.
namespace gainsweep::execute {

/// The lines of one tensor.
class Lines {
 public:
  /// A line ends after `restart` elements, if that is not 0; Error by TORCH_CHECK where these do
  /// not divide the dimension.
  Lines(const at::Tensor& x, std::int64_t dimension, std::int64_t restart);

  std::int64_t length() const { return length_; }
  std::int64_t count() const { return parts_ * outer_; }
  /// Whether elements of a line are neighbours in memory.
  bool is_dense() const { return stride_ == 1 || length_ == 1; }
  /// Whether the lines lie one after the other without gaps.
  bool is_flat() const { return flat_; }

  /// A line as a span: where it is, or copied to `scratch`.
  template <class T>
  std::span<const T> line(std::int64_t index, std::vector<T>& scratch) const {
    const auto* from = static_cast<const T*>(data_) + offset(index);
    const auto count = static_cast<std::size_t>(length_);
    if (is_dense()) return {from, count};
    scratch.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      scratch[i] = from[static_cast<std::int64_t>(i) * stride_];
    return scratch;
  }

  /// Writes a line back to where `line` found it.
  template <class T>
  void write(std::int64_t index, std::span<const T> values) const {
    auto* to = static_cast<T*>(const_cast<void*>(data_)) + offset(index);
    for (std::size_t i = 0; i < values.size(); ++i)
      to[static_cast<std::int64_t>(i) * stride_] = values[i];
  }

 private:
  /// Elements from the first of the tensor to the first of a line.
  std::int64_t offset(std::int64_t index) const;

  const void* data_;
  std::vector<std::int64_t> sizes_, strides_;  ///< of the other dimensions
  std::int64_t length_, stride_, parts_, outer_;
  bool flat_;
};

}  // namespace gainsweep::execute
