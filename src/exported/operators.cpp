#include "exported/operators.hpp"

#include <algorithm>

namespace gainsweep::exported {
namespace {

using Form = Operator::Form;
using Names = std::vector<std::string>;

void add_all(std::vector<Operator>& all, const Names& operators, const Names& arguments,
             Form form = Form::call, bool is_view = false) {
  for (const auto& name : operators) all.push_back({"aten::" + name, arguments, form, is_view});
}

void add_layers(std::vector<Operator>& all) {
  const Names window{"input", "weight", "bias", "stride", "padding", "dilation", "groups"};
  add_all(all, {"conv1d", "conv2d", "conv3d"}, window);
  add_all(all, {"linear"}, {"input", "weight", "bias"});
  add_all(all, {"matmul"}, {"self", "other"});
  add_all(all, {"bmm"}, {"self", "mat2"});
  add_all(all, {"scaled_dot_product_attention"},
          {"query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"},
          Form::attention);
  add_all(all, {"batch_norm"},
          {"input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps",
           "cudnn_enabled"},
          Form::batch_norm);
  add_all(all, {"_native_batch_norm_legit_no_training"},
          {"input", "weight", "bias", "running_mean", "running_var", "momentum", "eps"},
          Form::batch_norm);
  add_all(all, {"layer_norm"},
          {"input", "normalized_shape", "weight", "bias", "eps", "cudnn_enable"});
  add_all(all, {"rms_norm"}, {"input", "normalized_shape", "weight", "eps"});
  add_all(all, {"group_norm"}, {"input", "num_groups", "weight", "bias", "eps", "cudnn_enabled"});
  add_all(all, {"embedding"}, {"weight", "indices", "padding_idx", "scale_grad_by_freq", "sparse"});
  add_all(all, {"max_pool2d"},
          {"self", "kernel_size", "stride", "padding", "dilation", "ceil_mode"});
  add_all(all, {"avg_pool2d"},
          {"self", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad",
           "divisor_override"});
  add_all(all, {"adaptive_avg_pool1d", "adaptive_avg_pool2d"}, {"self", "output_size"});
}

void add_elementwise(std::vector<Operator>& all) {
  add_all(
      all,
      {"abs", "bitwise_not", "cos", "erf", "exp", "hardsigmoid", "hardswish", "log", "logical_not",
       "mish", "neg", "relu", "relu6", "rsqrt", "sigmoid", "silu", "sin", "sqrt", "tanh"},
      {"self"});
  add_all(all, {"hardtanh"}, {"self", "min_val", "max_val"});
  add_all(all, {"gelu"}, {"self", "approximate"});
  add_all(all, {"leaky_relu"}, {"self", "negative_slope"});
  add_all(all, {"elu"}, {"self", "alpha", "scale", "input_scale"});
  add_all(all, {"clamp"}, {"self", "min", "max"});
  add_all(all, {"clamp_min"}, {"self", "min"});
  add_all(all, {"pow.Tensor_Scalar"}, {"self", "exponent"});
  add_all(all, {"softmax.int", "log_softmax.int", "_safe_softmax"}, {"self", "dim", "dtype"});
  add_all(all, {"add.Tensor", "add.Scalar", "sub.Tensor", "sub.Scalar", "rsub.Scalar"},
          {"self", "other", "alpha"});
  add_all(
      all,
      {"mul.Tensor",         "mul.Scalar",        "div.Tensor",     "div.Scalar",   "eq.Tensor",
       "eq.Scalar",          "ne.Tensor",         "ne.Scalar",      "ge.Tensor",    "ge.Scalar",
       "gt.Tensor",          "gt.Scalar",         "le.Tensor",      "le.Scalar",    "lt.Tensor",
       "lt.Scalar",          "maximum",           "minimum",        "logical_and",  "logical_or",
       "bitwise_and.Tensor", "bitwise_or.Tensor", "__and__.Tensor", "__or__.Tensor"},
      {"self", "other"});
  add_all(all, {"where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar"},
          {"condition", "self", "other"});
  add_all(all, {"masked_fill.Scalar", "masked_fill.Tensor"}, {"self", "mask", "value"});
}

void add_reductions(std::vector<Operator>& all) {
  add_all(all, {"mean.dim", "sum.dim_IntList"}, {"self", "dim", "keepdim", "dtype"});
  add_all(all, {"linalg_vector_norm"}, {"self", "ord", "dim", "keepdim", "dtype"});
  add_all(all, {"amax"}, {"self", "dim", "keepdim"});
  add_all(all, {"cumsum"}, {"self", "dim", "dtype"});
}

void add_shapes(std::vector<Operator>& all) {
  const auto view = [&](const Names& names, const Names& arguments) {
    add_all(all, names, arguments, Form::call, true);
  };
  view({"view"}, {"self", "size"});
  view({"reshape"}, {"self", "shape"});
  view({"flatten.using_ints"}, {"self", "start_dim", "end_dim"});
  view({"unflatten.int"}, {"self", "dim", "sizes"});
  view({"transpose.int"}, {"self", "dim0", "dim1"});
  view({"permute"}, {"self", "dims"});
  view({"t"}, {"self"});
  view({"slice.Tensor"}, {"self", "dim", "start", "end", "step"});
  view({"select.int"}, {"self", "dim", "index"});
  view({"expand"}, {"self", "size", "implicit"});
  view({"expand_as"}, {"self", "other"});
  view({"unsqueeze", "squeeze.dim", "squeeze.dims"}, {"self", "dim"});
  view({"split.Tensor"}, {"self", "split_size", "dim"});
  view({"split_with_sizes"}, {"self", "split_sizes", "dim"});
  view({"chunk"}, {"self", "chunks", "dim"});
  add_all(all, {"cat", "stack"}, {"tensors", "dim"});
  add_all(all, {"pad"}, {"self", "pad", "mode", "value"});
  add_all(all, {"constant_pad_nd"}, {"self", "pad", "value"});
  add_all(all, {"index.Tensor"}, {"self", "indices"});
  add_all(all, {"index_select"}, {"self", "dim", "index"});
  add_all(all, {"gather"}, {"self", "dim", "index", "sparse_grad"});
  add_all(all, {"roll"}, {"self", "shifts", "dims"});
}

void add_factories(std::vector<Operator>& all) {
  const auto options = [](Names names) {
    for (const char* option : {"dtype", "layout", "device", "pin_memory"})
      names.emplace_back(option);
    return names;
  };
  add_all(all, {"arange"}, options({"end"}));
  add_all(all, {"arange.start"}, options({"start", "end"}));
  add_all(all, {"arange.start_step"}, options({"start", "end", "step"}));
  add_all(all, {"new_ones", "new_zeros"}, options({"self", "size"}));
  add_all(all, {"ones", "zeros"}, options({"size"}));
  add_all(all, {"full"}, options({"size", "fill_value"}));
  add_all(all, {"ones_like", "zeros_like"}, options({"self"}));
  add_all(all, {"full_like"}, options({"self", "fill_value"}));
  add_all(all, {"scalar_tensor"}, options({"s"}));
}

void add_identities(std::vector<Operator>& all) {
  const auto identity = [&](const Names& names, const Names& arguments) {
    add_all(all, names, arguments, Form::identity, true);
  };
  identity({"contiguous", "clone"}, {"self", "memory_format"});
  identity({"detach", "alias", "lift_fresh_copy"}, {"self"});
  identity({"dropout", "feature_dropout"}, {"input", "p", "train"});
  const auto conversion = [&](const char* name, const Names& arguments, bool is_view = true) {
    add_all(all, {name}, arguments, Form::conversion, is_view);
  };
  conversion("to.dtype", {"self", "dtype", "non_blocking", "copy", "memory_format"});
  conversion("to.device", {"self", "device", "dtype", "non_blocking", "copy", "memory_format"});
  conversion("to.dtype_layout", {"self", "dtype", "layout", "device", "pin_memory", "non_blocking",
                                 "copy", "memory_format"});
  conversion("_to_copy",
             {"self", "dtype", "layout", "device", "pin_memory", "non_blocking", "memory_format"},
             false);
  add_all(all, {"_assert_tensor_metadata"}, {"a"}, Form::nothing);
}

std::string without_default(const std::string& target) {
  constexpr std::string_view ending = ".default";
  return target.ends_with(ending) ? target.substr(0, target.size() - ending.size()) : target;
}

/// Where the underscore of a target that works in place stands; npos for others.
std::size_t underscore_of(const std::string& target) {
  const auto dot = target.find('.', target.find("::"));
  const auto end = dot == std::string::npos ? target.size() : dot;
  const bool is_dunder = end > 1 && target[end - 2] == '_';
  return end > 0 && target[end - 1] == '_' && !is_dunder ? end - 1 : std::string::npos;
}

}  // namespace

const std::vector<Operator>& operators() {
  static const auto known = [] {
    std::vector<Operator> all;
    add_layers(all);
    add_elementwise(all);
    add_reductions(all);
    add_shapes(all);
    add_factories(all);
    add_identities(all);
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return all;
  }();
  return known;
}

const Operator* find_operator(const std::string& target) {
  auto name = without_default(target);
  const auto underscore = underscore_of(name);
  if (underscore != std::string::npos) name.erase(underscore, 1);
  const auto& all = operators();
  const auto found =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const auto& row, const auto& key) { return row.name < key; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

bool works_in_place(const std::string& target) {
  return underscore_of(without_default(target)) != std::string::npos;
}

}  // namespace gainsweep::exported
