#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "exported/program.hpp"
#include "parts.hpp"
#include "unit/throws.hpp"

namespace gainsweep::exported {
namespace {

using nlohmann::json;

/// What is done to a sound file's parts, and what is said of it.
struct Wrong {
  const char* name;
  std::function<void(Parts&)> spoil;
  const char* message;  ///< after the path
};

class WrongParts : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongParts, AreRefusedByPlace) {
  auto parts = sound_parts();
  GetParam().spoil(parts);
  const Aligned file(zip_of(parts.members()));
  EXPECT_ERROR(parse(file.bytes(), "small.pt2"), ErrorKind::input,
               std::string("small.pt2: ") + GetParam().message);
}

json& graph_of(Parts& parts) {
  return parts.program["graph_module"]["graph"];
}
json& node_of(Parts& parts, std::size_t place) {
  return graph_of(parts)["nodes"][place];
}
json& signature_of(Parts& parts) {
  return parts.program["graph_module"]["signature"];
}
json& weight_of(Parts& parts) {
  return parts.weights["config"]["head.weight"];
}
json& meta_of(Parts& parts) {
  return weight_of(parts)["tensor_meta"];
}
void set_argument(Parts& parts, const char* argument) {
  node_of(parts, 1)["inputs"][2]["arg"] = json::parse(argument);
}
json sizes(std::initializer_list<std::int64_t> extents) {
  auto list = json::array();
  for (const auto extent : extents) list.push_back({{"as_int", extent}});
  return list;
}

const Wrong of_the_program[] = {
    {"major", [](Parts& p) { p.program["schema_version"]["major"] = 9; },
     "models/model.json: schema_version.major is 9, and 8 is what is read (PyTorch '2.13.0' wrote "
     "it). Export the model with a version"},
    {"dialect", [](Parts& p) { p.program["verifiers"] = {"EDGE"}; },
     R"(models/model.json: verifiers is neither ["TRAINING"] nor ["ATEN"])"},
    {"range", [](Parts& p) { p.program["range_constraints"]["s77"]["max_val"] = 0; },
     "models/model.json: range_constraints.s77 has a least value above the most"},
    {"no_graph", [](Parts& p) { p.program.erase("graph_module"); },
     "models/model.json: has no 'graph_module'"},
    {"deep",
     [](Parts& p) {
       json nested = 1;
       for (int i = 0; i < 20; ++i) nested = json::array({nested});
       p.program["deep"] = nested;
     },
     "models/model.json: nested deeper than 16 levels"},
    {"list", [](Parts& p) { p.program = json::array(); }, "models/model.json: is no object"},
    {"training",
     [](Parts& p) {
       node_of(p, 1)["inputs"].push_back({{"name", "training"}, {"arg", {{"as_bool", true}}}});
     },
     "node 'linear' (aten::linear.default) of the module 'block.head' is in training mode. Call "
     "model.eval() before exporting"},
    {"in_place",
     [](Parts& p) {
       node_of(p, 3)["target"] = "torch.ops.aten.add_.Tensor";
       node_of(p, 3)["inputs"][0]["arg"]["as_tensor"]["name"] = "b_pos";
     },
     "node 'topk' (aten::add_.Tensor) writes into 'b_pos', which is an input, a weight or a "
     "buffer"},
    {"decomposed",
     [](Parts& p) {
       p.program["verifiers"] = {"ATEN"};
       node_of(p, 1)["target"] = "torch.ops.aten.addmm.default";
     },
     "node 'linear' (aten::addmm.default) of the module 'block.head' is what run_decompositions() "
     "makes of linear"},
    {"mutation",
     [](Parts& p) {
       signature_of(p)["output_specs"][0] = json::parse(
           R"({"buffer_mutation": {"arg": {"name": "view"}, "buffer_name": "b.running_mean"}})");
     },
     "models/model.json: graph_module.signature.output_specs[0].buffer_mutation changes a buffer: "
     "the model was in training mode. Call model.eval()"},
    {"object",
     [](Parts& p) {
       signature_of(p)["input_specs"][0] =
           json::parse(R"({"custom_obj": {"arg": {"name": "o"}, "custom_obj_name": "o"}})");
     },
     "models/model.json: graph_module.signature.input_specs[0].custom_obj is a custom object"},
    {"fewer_specs", [](Parts& p) { signature_of(p)["input_specs"].erase(3); },
     "models/model.json: graph_module.signature.input_specs has 3 entries for the graph's 4 "
     "inputs"},
    {"other_input",
     [](Parts& p) { signature_of(p)["input_specs"][0]["parameter"]["arg"]["name"] = "q"; },
     "models/model.json: graph_module.signature.input_specs[0].parameter is not the graph's input "
     "'p_weight' at this place"},
    {"other_output",
     [](Parts& p) {
       signature_of(p)["output_specs"][0]["user_output"]["arg"]["as_tensor"]["name"] = "cat";
     },
     "models/model.json: graph_module.signature.output_specs[0].user_output is not the graph's "
     "output"},
    {"not_stored",
     [](Parts& p) {
       signature_of(p)["input_specs"][0]["parameter"]["parameter_name"] = "other.weight";
     },
     "no tensor is stored as 'other.weight', which the graph reads as 'p_weight'"},
};

const Wrong of_nodes[] = {
    {"later", [](Parts& p) { node_of(p, 2)["inputs"][0]["arg"]["as_tensor"]["name"] = "getitem"; },
     "models/model.json: graph_module.graph.nodes[2].inputs[0] reads 'getitem', which is no input "
     "and no result of an earlier node"},
    {"later_number", [](Parts& p) { std::swap(node_of(p, 0), node_of(p, 5)); },
     "models/model.json: graph_module.graph.nodes[0].inputs[0] reads 'cat'"},
    {"output",
     [](Parts& p) {
       graph_of(p)["outputs"][0]["as_tensor"]["name"] = "z";
       signature_of(p)["output_specs"][0]["user_output"]["arg"]["as_tensor"]["name"] = "z";
     },
     "models/model.json: graph_module.graph.outputs reads 'z'"},
    {"twice", [](Parts& p) { node_of(p, 2)["outputs"][0]["as_tensor"]["name"] = "linear"; },
     "models/model.json: graph_module.graph.nodes[2].outputs[0] defines 'linear' a second time"},
    {"argument_twice", [](Parts& p) { node_of(p, 1)["inputs"][1]["name"] = "input"; },
     "models/model.json: graph_module.graph.nodes[1].inputs[1] gives the argument 'input' a second "
     "time"},
    {"no_value", [](Parts& p) { graph_of(p)["tensor_values"].erase("cat"); },
     "models/model.json: graph_module.graph.nodes[4].outputs[0] is the tensor 'cat', of which "
     "tensor_values says nothing"},
    {"result",
     [](Parts& p) {
       node_of(p, 4)["outputs"][0] = {{"as_int", 1}};
     },
     "models/model.json: graph_module.graph.nodes[4].outputs[0] is nothing that a node can give"},
    {"subgraph", [](Parts& p) { set_argument(p, R"({"as_graph": {"name": "t", "graph": {}}})"); },
     "models/model.json: graph_module.graph.nodes[1].inputs[2].arg.as_graph is a graph of its own "
     "(torch.cond, map, while_loop), which is not read. Write this part"},
    {"unknown", [](Parts& p) { set_argument(p, R"({"as_table": 1})"); },
     "models/model.json: graph_module.graph.nodes[1].inputs[2].arg is of the unknown kind "
     "'as_table'"},
    {"two_kinds", [](Parts& p) { set_argument(p, R"({"as_int": 1, "as_bool": true})"); },
     "models/model.json: graph_module.graph.nodes[1].inputs[2].arg is no object of one key"},
    {"not_none", [](Parts& p) { set_argument(p, R"({"as_none": false})"); },
     "models/model.json: graph_module.graph.nodes[1].inputs[2].arg.as_none is false"},
    {"number", [](Parts& p) { set_argument(p, R"({"as_float": "1.0"})"); },
     "models/model.json: graph_module.graph.nodes[1].inputs[2].arg.as_float is no number"},
    {"wide", [](Parts& p) { set_argument(p, R"({"as_int": 9223372036854775808})"); },
     "models/model.json: graph_module.graph.nodes[1].inputs[2].arg.as_int is no 64-bit integer"},
    {"type", [](Parts& p) { set_argument(p, R"({"as_scalar_type": 29})"); },
     "models/model.json: graph_module.graph.nodes[1].inputs[2].arg.as_scalar_type is the element "
     "type 29 (float8_e4m3fn), which is not read"},
    {"sparse", [](Parts& p) { set_argument(p, R"({"as_layout": 1})"); },
     "models/model.json: graph_module.graph.nodes[1].inputs[2].arg.as_layout is not strided"},
};

const Wrong of_tensors[] = {
    {"climbs", [](Parts& p) { weight_of(p)["path_name"] = "../weights/weight_0"; },
     "data/weights/model_weights_config.json: config.head.weight.path_name is "
     "'../weights/weight_0', which is no name of a file in data/weights/"},
    {"parent", [](Parts& p) { weight_of(p)["path_name"] = ".."; },
     "data/weights/model_weights_config.json: config.head.weight.path_name is '..'"},
    {"absent", [](Parts& p) { weight_of(p)["path_name"] = "weight_7"; },
     "data/weights/model_weights_config.json: config.head.weight.path_name names "
     "'data/weights/weight_7', which is not there"},
    {"pickled", [](Parts& p) { weight_of(p)["use_pickle"] = true; },
     "data/weights/model_weights_config.json: config.head.weight is pickled, as tensor subclasses "
     "are (quantised weights, for example); nothing is unpickled. Export the model with plain"},
    {"custom",
     [](Parts& p) {
       p.constants["config"]["o"] = json::parse(
           R"({"path_name": "custom_obj_0", "is_param": false, "use_pickle": true, "tensor_meta": null})");
     },
     "data/constants/model_constants_config.json: config.o is a custom object; nothing is "
     "unpickled"},
    {"past_storage",
     [](Parts& p) {
       meta_of(p)["sizes"] = sizes({4, 4});
     },
     "data/weights/model_weights_config.json: config.head.weight.tensor_meta has sizes, strides "
     "and offset that reach beyond its storage of 12 elements"},
    {"past_by_offset", [](Parts& p) { meta_of(p)["storage_offset"]["as_int"] = 1; },
     "data/weights/model_weights_config.json: config.head.weight.tensor_meta has sizes, strides "
     "and offset that reach beyond"},
    {"overflow",
     [](Parts& p) {
       meta_of(p)["strides"] = sizes({std::int64_t{1} << 62, std::int64_t{1} << 62});
     },
     "data/weights/model_weights_config.json: config.head.weight.tensor_meta has sizes and strides "
     "that overflow 64 bits"},
    {"negative",
     [](Parts& p) {
       meta_of(p)["strides"] = sizes({-4, 1});
     },
     "data/weights/model_weights_config.json: config.head.weight.tensor_meta.strides[0] is "
     "negative"},
    {"expanded",
     [](Parts& p) {
       meta_of(p)["sizes"] = sizes({1 << 20, 4});
       meta_of(p)["strides"] = sizes({0, 1});
     },
     "data/weights/model_weights_config.json: config.head.weight.tensor_meta has 4194304 elements "
     "in a storage of 12 (an expanded tensor). Store it as `.contiguous()`"},
    {"strides", [](Parts& p) { meta_of(p)["strides"] = sizes({1}); },
     "data/weights/model_weights_config.json: config.head.weight.tensor_meta has not as many "
     "strides as sizes"},
    {"other_sizes",
     [](Parts& p) {
       meta_of(p)["sizes"] = sizes({2, 4});
     },
     "tensor 'head.weight' is stored with another type or other sizes than the graph's 'p_weight'"},
    {"other_type", [](Parts& p) { meta_of(p)["dtype"] = 4; },
     "tensor 'head.weight' is stored with another type"},
    {"c10_number", [](Parts& p) { meta_of(p)["dtype"] = 15; },
     "data/weights/model_weights_config.json: config.head.weight.tensor_meta.dtype is the element "
     "type 15, which is not read"},
    {"symbolic",
     [](Parts& p) {
       meta_of(p)["sizes"][0] = json::parse(R"({"as_expr": {"expr_str": "s0", "hint": null}})");
     },
     "data/weights/model_weights_config.json: config.head.weight.tensor_meta.sizes[0] is an "
     "expression"},
    {"both", [](Parts& p) { p.constants["config"]["head.weight"] = p.constants["config"]["pos"]; },
     "data/constants/model_constants_config.json: config.head.weight is both a weight and a "
     "constant"},
};

const Wrong of_the_archive[] = {
    {"twice", [](Parts& p) { p.further.emplace_back("byteorder", "big"); },
     "member 'byteorder' is there twice"},
    {"climbing", [](Parts& p) { p.further.emplace_back("../x", ""); },
     "member 'small/../x' does not lie in the archive's one folder, 'small/'"},
    {"control_character", [](Parts& p) { p.further.emplace_back("models/a\x1b.json", ""); },
     "member 'small/models/a .json' has control characters in its name, or more than 512 bytes"},
    {"long_name", [](Parts& p) { p.further.emplace_back(std::string(600, 'x'), ""); },
     "member 'small/xxxx"},
    {"second_model", [](Parts& p) { p.further.emplace_back("models/other.json", "{}"); },
     "several programs in it (model, other). Save each into a file of its own"},
    {"jit", [](Parts& p) { p.further.emplace_back("data.pkl", ""); },
     "it is a file of torch.save or torch.jit.save, not of torch.export.save"},
};

std::string name_of(const ::testing::TestParamInfo<Wrong>& wrong) {
  return wrong.param.name;
}
INSTANTIATE_TEST_SUITE_P(Program, WrongParts, ::testing::ValuesIn(of_the_program), name_of);
INSTANTIATE_TEST_SUITE_P(Nodes, WrongParts, ::testing::ValuesIn(of_nodes), name_of);
INSTANTIATE_TEST_SUITE_P(Tensors, WrongParts, ::testing::ValuesIn(of_tensors), name_of);
INSTANTIATE_TEST_SUITE_P(Archive, WrongParts, ::testing::ValuesIn(of_the_archive), name_of);

}  // namespace
}  // namespace gainsweep::exported
