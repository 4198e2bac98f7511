#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "archive.hpp"

namespace gainsweep::exported {

/// What a small `.pt2` file is packed of.
struct Parts {
  nlohmann::json program, weights, constants;
  Members further;

  Members members() const {
    Members all{{"data/weights/weight_0", std::string(48, '\1')},
                {"data/weights/model_weights_config.json", weights.dump()},
                {"data/constants/tensor_0", std::string(32, '\2')},
                {"data/constants/model_constants_config.json", constants.dump()},
                {"models/model.json", program.dump()},
                {"data/sample_inputs/model.pt", "a pickle that nobody opens"},
                {"archive_format", "pt2"},
                {"archive_version", "0"},
                {"byteorder", "little"}};
    all.insert(all.end(), further.begin(), further.end());
    return all;
  }
};

/// `view(linear(x, weight) + pos, [batch, -1])` with tied weights, several results and constants
/// that are not finite.
inline Parts sound_parts() {
  const auto of = [](const char* text) { return nlohmann::json::parse(text); };
  const auto batch = of(
      R"json({"as_expr": {"expr_str": "Symbol('s77', positive=True, integer=True)",
                          "hint": {"as_int": 2}}})json");
  const auto value = [](int type, nlohmann::json sizes) {
    return nlohmann::json{{"dtype", type}, {"sizes", std::move(sizes)}};
  };
  const auto three = of(R"([{"as_int": 3}, {"as_int": 4}])");
  const auto by = [&](const char* extent) { return nlohmann::json{batch, of(extent)}; };
  Parts parts;
  parts.program = of(R"({
    "graph_module": {
      "graph": {
        "inputs": [{"as_tensor": {"name": "p_weight"}}, {"as_tensor": {"name": "b_pos"}},
                   {"as_tensor": {"name": "x"}}, {"as_bool": true}],
        "outputs": [{"as_tensor": {"name": "view"}}],
        "nodes": [
          {"target": "torch.ops.aten.sym_size.int", "name": "size", "metadata": {},
           "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}, "kind": 1},
                      {"name": "dim", "arg": {"as_int": 0}, "kind": 1}],
           "outputs": [{"as_sym_int": {"as_name": "size"}}]},
          {"target": "torch.ops.aten.linear.default", "name": "linear",
           "metadata": {"nn_module_stack": "L__self__,,m.Net;L__self__head,block.head,torch.nn.Linear"},
           "inputs": [{"name": "input", "arg": {"as_tensor": {"name": "x"}}, "kind": 1},
                      {"name": "weight", "arg": {"as_tensor": {"name": "p_weight"}}, "kind": 1},
                      {"name": "bias", "arg": {"as_none": true}, "kind": 1}],
           "outputs": [{"as_tensor": {"name": "linear"}}]},
          {"target": "torch.ops.aten.full_like.default", "name": "full_like", "metadata": {},
           "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "linear"}}, "kind": 1},
                      {"name": "fill_value", "arg": {"as_float": "-Infinity"}, "kind": 1},
                      {"name": "dtype", "arg": {"as_scalar_type": 7}, "kind": 2},
                      {"name": "layout", "arg": {"as_layout": 7}, "kind": 2},
                      {"name": "device", "arg": {"as_device": {"type": "cpu", "index": null}}, "kind": 2},
                      {"name": "memory_format", "arg": {"as_memory_format": 2}, "kind": 2}],
           "outputs": [{"as_tensor": {"name": "full_like"}}]},
          {"target": "torch.ops.aten.topk.default", "name": "topk", "metadata": {},
           "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "linear"}}, "kind": 1},
                      {"name": "k", "arg": {"as_int": 2}, "kind": 1}],
           "outputs": [{"as_tensor": {"name": "getitem"}}, {"as_tensor": {"name": "topk_unused_1"}}]},
          {"target": "torch.ops.aten.cat.default", "name": "cat", "metadata": {},
           "inputs": [{"name": "tensors", "arg": {"as_tensors": [{"name": "getitem"}, {"name": "linear"}]}, "kind": 1}],
           "outputs": [{"as_tensor": {"name": "cat"}}]},
          {"target": "torch.ops.aten.view.default", "name": "view", "metadata": {},
           "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "cat"}}, "kind": 1},
                      {"name": "size", "arg": {"as_sym_ints": [{"as_name": "size"}, {"as_int": -1}]}, "kind": 1}],
           "outputs": [{"as_tensor": {"name": "view"}}]}],
        "tensor_values": {},
        "sym_int_values": {}},
      "signature": {
        "input_specs": [
          {"parameter": {"arg": {"name": "p_weight"}, "parameter_name": "head.weight"}},
          {"buffer": {"arg": {"name": "b_pos"}, "buffer_name": "pos", "persistent": false}},
          {"user_input": {"arg": {"as_tensor": {"name": "x"}}}},
          {"constant_input": {"name": "flag", "value": {"as_bool": true}}}],
        "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": "view"}}}}]}},
    "range_constraints": {"s77": {"min_val": 1, "max_val": null}},
    "schema_version": {"major": 8, "minor": 20}, "verifiers": ["TRAINING"],
    "torch_version": "2.13.0", "a key of a later minor version": 1})");
  parts.program["graph_module"]["graph"]["tensor_values"] = {
      {"p_weight", value(7, three)},
      {"b_pos", value(5, of(R"([{"as_int": 4}])"))},
      {"x", value(7, by(R"({"as_int": 4})"))},
      {"linear", value(7, by(R"({"as_int": 3})"))},
      {"full_like", value(7, by(R"({"as_int": 3})"))},
      {"getitem", value(7, by(R"({"as_int": 2})"))},
      {"topk_unused_1", value(5, by(R"({"as_int": 2})"))},
      {"cat", value(7, by(R"({"as_int": 5})"))},
      {"view", value(7, by(R"({"as_int": 5})"))}};
  parts.program["graph_module"]["graph"]["sym_int_values"] = {{"size", batch}};
  parts.weights = of(R"({"config": {
    "head.weight": {"path_name": "weight_0", "is_param": true, "use_pickle": false, "tensor_meta":
      {"dtype": 7, "sizes": [{"as_int": 3}, {"as_int": 4}], "strides": [{"as_int": 4}, {"as_int": 1}],
       "storage_offset": {"as_int": 0}, "layout": 7}},
    "tied.weight": {"path_name": "weight_0", "is_param": true, "use_pickle": false, "tensor_meta":
      {"dtype": 7, "sizes": [{"as_int": 4}, {"as_int": 2}], "strides": [{"as_int": 1}, {"as_int": 4}],
       "storage_offset": {"as_int": 4}, "layout": 7}}}})");
  parts.constants = of(R"({"config": {
    "pos": {"path_name": "tensor_0", "is_param": false, "use_pickle": false, "tensor_meta":
      {"dtype": 5, "sizes": [{"as_int": 4}], "strides": [{"as_int": 1}],
       "storage_offset": {"as_int": 0}, "layout": 7}}}})");
  return parts;
}

}  // namespace gainsweep::exported
