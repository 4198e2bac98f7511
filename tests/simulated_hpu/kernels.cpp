#include "simulated_hpu/kernels.hpp"

#include <string_view>
#include <unordered_set>

namespace simulated_hpu {

bool has_kernel(const std::string& name) {
  static const std::unordered_set<std::string_view> names{
      // products and convolutions
      "addmm", "bmm", "mm", "baddbmm", "convolution_overrideable",
      "convolution_backward_overrideable",
      // element by element
      "abs", "add", "add_", "sub", "sub_", "rsub", "mul", "mul_", "div", "div_", "neg", "neg_",
      "pow", "exp", "exp_", "log", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tanh", "tanh_",
      "tanh_backward", "sigmoid", "silu", "silu_backward", "gelu", "gelu_backward", "relu", "round",
      "floor", "ceil", "clamp", "clamp_min", "clamp_max", "copysign", "sign", "sgn", "isnan",
      "isinf", "maximum", "minimum", "where", "masked_fill", "masked_fill_", "bitwise_and",
      "bitwise_or", "bitwise_not", "bitwise_left_shift", "bitwise_right_shift", "eq", "ne", "lt",
      "le", "gt", "ge", "logical_and", "logical_not", "logical_or", "abs_", "clamp_", "log_",
      "log1p", "neg_", "pow_", "relu_", "rsqrt_", "silu_", "sqrt_",
      // reductions
      "sum", "mean", "amax", "amin", "max", "min", "argmax", "any", "all", "_softmax",
      "_softmax_backward_data", "_log_softmax", "_log_softmax_backward_data", "nll_loss_forward",
      "nll_loss_backward", "native_layer_norm", "native_layer_norm_backward", "linalg_vector_norm",
      // shapes, indices and constants
      "cat", "embedding", "embedding_dense_backward", "gather", "scatter", "scatter_",
      "scatter_add", "scatter_add_", "index_select", "index_add", "index_add_", "index",
      "index_put_", "nonzero", "repeat", "flip", "tril", "triu", "arange", "fill_", "zero_",
      "constant_pad_nd"};
  const auto begin = name.find("::") + 2;
  const auto base = name.substr(begin, name.find('.', begin) - begin);
  return name.starts_with("aten::") && names.contains(base);
}

}  // namespace simulated_hpu
