#include "plan_file/tool_plan.hpp"

#include <gtest/gtest.h>

#include "plan_file/fit.hpp"
#include "unit/throws.hpp"
#include "written.hpp"

namespace gainsweep::plan_file {
namespace {

/// Layers 1 and 10, whose names begin alike; q and v of each, its products, and a head.
Frame frame() {
  Frame frame{{},
              {"bf16", "int8", "fp8_e4m3", "w4a16_g64", "nvfp4", "mxfp8_e5m2", "w4a8_g32"},
              {},
              {{"bf16", "bf16"},
               {"int8", "int8"},
               {"fp8_e4m3", "fp8_e4m3"},
               {"int4_g64", ""},
               {"nvfp4", "nvfp4"},
               {"mxfp8_e5m2", "mxfp8_e5m2"},
               {"int4_g32", "int8"}}};
  for (const std::string layer : {"1", "10"}) {
    for (const std::string leaf : {"q", "v"})
      frame.ops.push_back({"layers." + layer + ".attention." + leaf,
                           "model.layers." + layer + ".self_attn." + leaf + "_proj"});
    for (const std::string leaf : {"qk", "av"})
      frame.ops.push_back({"layers." + layer + ".attention." + leaf, ""});
  }
  frame.ops.push_back({"lm_head", "lm_head"});
  return frame;
}

std::vector<std::string> fitted(const std::string& content,
                                const std::string& name = "theirs.json") {
  const Written file(content, name);
  const auto known = frame();
  std::vector<std::string> formats;
  for (const auto place : fit(read(file.path()), known)) formats.push_back(known.formats[place]);
  return formats;
}

const std::string int8 = R"({"num_bits": 8, "type": "int", "strategy": "channel"})";
const std::string fp8 = R"({"num_bits": 8, "type": "float", "strategy": "tensor"})";
const std::string int4 = R"({"num_bits": 4, "type": "int", "strategy": "group", "group_size": 64})";
const std::string nvfp4 =
    R"({"num_bits": 4, "type": "float", "strategy": "tensor_group", "group_size": 16})";

std::string group(const std::string& targets, const std::string& weights,
                  const std::string& inputs) {
  return R"({"targets": [)" + targets + R"(], "weights": )" + weights +
         R"(, "input_activations": )" + inputs + R"(, "output_activations": null})";
}

std::string config(const std::string& groups, const std::string& ignored = "",
                   const std::string& more = "") {
  return R"({"quant_method": "compressed-tensors", "kv_cache_scheme": null, "ignore": [)" +
         ignored + R"(], "config_groups": {)" + groups + "}" + more + "}";
}

TEST(CompressedTensors, NamesModulesByGroups) {
  const auto groups = R"("g0": )" + group(R"("model.layers.1.self_attn.q_proj")", fp8, fp8) +
                      R"(, "g1": )" + group(R"("model.layers.10.self_attn.v_proj")", int8, int8) +
                      R"(, "g2": )" + group(R"("model.layers.10.self_attn.q_proj")", int4, "null") +
                      R"(, "g3": )" + group(R"("lm_head")", nvfp4, nvfp4);
  EXPECT_EQ(fitted(config(groups)),
            (std::vector<std::string>{"fp8_e4m3", "bf16", "bf16", "bf16", "w4a16_g64", "int8",
                                      "bf16", "bf16", "nvfp4"}));
}

TEST(CompressedTensors, StandsInTheConfigOfACheckpoint) {
  const auto inner = config(R"("g0": )" + group(R"("Linear")", int8, int8), R"("lm_head")");
  const std::vector<std::string> wanted{"int8", "int8", "bf16", "bf16", "int8",
                                        "int8", "bf16", "bf16", "bf16"};
  EXPECT_EQ(fitted(inner), wanted) << "all linear layers but those to ignore";
  EXPECT_EQ(
      fitted(R"({"model_type": "llama", "quantization_config": )" + inner + "}", "config.json"),
      wanted);
}

TEST(CompressedTensors, MatchesExpressionsFromTheStartAlone) {
  const auto of = [](const std::string& expression) {
    return fitted(config(R"("g0": )" + group(expression, int8, int8)));
  };
  const std::vector<std::string> only_1{"int8", "int8", "bf16", "bf16", "bf16",
                                        "bf16", "bf16", "bf16", "bf16"};
  EXPECT_EQ(of(R"("re:.*layers\\.1\\.")"), only_1);
  auto both = only_1;
  both[4] = both[5] = "int8";
  EXPECT_EQ(of(R"("re:.*layers\\.1")"), both) << "10 begins with 1";
  EXPECT_EQ(of(R"("re:layers\\.1")"), std::vector<std::string>(9, "bf16"));
}

const std::string off = "quant_cfg:\n- {quantizer_name: '*', enable: false}\n";

std::string on(const std::string& quantizer, const std::string& cfg) {
  return "- {quantizer_name: '" + quantizer + "', cfg: " + cfg + "}\n";
}

TEST(ModelOpt, ResolvesQuantizersInTheirOrder) {
  const std::string e4m3 = "{num_bits: [4, 3], axis: null}";
  const std::string q = "model.layers.1.self_attn.q_proj";
  const auto text = off + on("*layers.1.*_quantizer", "{num_bits: 8, axis: 0}") +
                    "- {quantizer_name: '*output_quantizer', enable: false}\n" +
                    "- {quantizer_name: '*bmm_quantizer', enable: false}\n" +
                    on(q + ".weight_quantizer", e4m3) + on(q + ".input_quantizer", e4m3) +
                    on("model.layers.10.self_attn.[kq]_bmm_quantizer", e4m3) +
                    on("lm_head.weight_quantizer", "{num_bits: 4, block_sizes: {-1: 64}}");
  EXPECT_EQ(fitted(text, "theirs.yaml"),
            (std::vector<std::string>{"fp8_e4m3", "int8", "bf16", "bf16", "bf16", "bf16",
                                      "fp8_e4m3", "bf16", "w4a16_g64"}));
}

TEST(ModelOpt, NamesBlocks) {
  const std::string nv = "{num_bits: [2, 1], block_sizes: {-1: 16, scale_bits: [4, 3]}}";
  const std::string mx = "{num_bits: [5, 2], block_sizes: {-1: 32, scale_bits: [8, 0]}}";
  const auto text = off + on("*layers.1.*_proj.*put_quantizer", nv) +
                    on("*layers.1.*weight_quantizer", nv) + on("*layers.10.*t_quantizer", mx) +
                    "- {quantizer_name: '*output_quantizer', enable: false}\n";
  EXPECT_EQ(fitted(text, "theirs.yml"),
            (std::vector<std::string>{"nvfp4", "nvfp4", "bf16", "bf16", "mxfp8_e5m2", "mxfp8_e5m2",
                                      "bf16", "bf16", "bf16"}));
}

TEST(ModelOpt, MayNameAValueOnceInYamlAndIsJsonToo) {
  const auto text = off +
                    "- quantizer_name: lm_head.weight_quantizer\n  cfg: {num_bits: &bits [4, 3]}\n"
                    "- quantizer_name: lm_head.input_quantizer\n  cfg: {num_bits: *bits}\n";
  EXPECT_EQ(fitted(text, "theirs.yaml").back(), "fp8_e4m3");
  EXPECT_EQ(fitted(R"({"quant_cfg": [{"quantizer_name": "*", "enable": false},
                      {"quantizer_name": "lm_head.*ght_quantizer", "cfg": {"num_bits": 8}},
                      {"quantizer_name": "lm_head.input_quantizer", "cfg": {"num_bits": 8}}],
                      "algorithm": "max"})")
                .back(),
            "int8");
}

struct Wrong {
  const char* name;
  std::string content;
  const char* message;  ///< after the path
  const char* file = "theirs.json";
};

class WrongTool : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongTool, IsRefusedByName) {
  const Written file(GetParam().content, GetParam().file);
  EXPECT_ERROR(fit(read(file.path()), frame()), ErrorKind::input,
               file.path().string() + ": " + GetParam().message);
}

const std::string q1 = R"("model.layers.1.self_attn.q_proj")";

INSTANTIATE_TEST_SUITE_P(
    Files, WrongTool,
    ::testing::Values(
        Wrong{"other_method", R"({"quant_method": "awq", "config_groups": {}})",
              "quant_method is not 'compressed-tensors'"},
        Wrong{"kv_cache", config("", "", R"(, "transform_config": {"a": 1})"),
              "transform_config is given, and plans transform no weights. Remove it."},
        Wrong{"no_groups", R"({"quant_method": "compressed-tensors"})",
              "config_groups is no object."},
        Wrong{"other_model",
              config(R"("g": )" + group(R"("model.layers.2.self_attn.q_proj")", int8, int8)),
              "it lowers 'model.layers.2.self_attn.q_proj', which is no module of this model's "
              "checkpoint. Did you mean 'model.layers.1.self_attn.q_proj'?"},
        Wrong{"two_groups",
              config(R"("g": )" + group(q1, int8, int8) + R"(, "h": )" + group(q1, fp8, fp8)),
              "config_groups.g and config_groups.h both name 'model.layers.1.self_attn.q_proj'."},
        Wrong{"no_number",
              config(R"("g": )" + group(q1, R"({"num_bits": 3, "type": "int"})", int8)),
              "config_groups.g.weights is no number format that plans have (num_bits 3, type "
              "'int', strategy '')."},
        Wrong{"zero_points",
              config(R"("g": )" + group(q1, R"({"num_bits": 8, "symmetric": false})", int8)),
              "config_groups.g.weights.symmetric is not true"},
        Wrong{"not_of_this_run", config(R"("g": )" + group(q1, fp8, int8)),
              "layers.1.attention.q has weights in fp8_e4m3 and activations in int8, which no "
              "format of this run is (formats.low has int8, fp8_e4m3, w4a16_g64"},
        Wrong{"endless", config(R"("g": )" + group(R"("re:(a*)*b")", int8, int8)),
              "targets has 're:(a*)*b' (it is long or repeats groups"},
        Wrong{"no_expression", config(R"("g": )" + group(R"("re:(")", int8, int8)),
              "targets has 're:(' (no regular expression)"},
        Wrong{"mapping", R"({"quant_cfg": {"*": {"enable": false}}})", "quant_cfg is no list"},
        Wrong{"undecided", "quant_cfg:\n" + on("lm_head.*", "{num_bits: 8}"),
              "no entry of quant_cfg says whether the quantizer "
              "model.layers.1.self_attn.q_proj.output_quantizer is on. Begin the list with "
              "{quantizer_name: '*', enable: false}.",
              "theirs.yaml"},
        Wrong{"class_of_parent",
              off + "- {quantizer_name: '*', parent_class: nn.Linear, enable: true}\n",
              "quant_cfg[1] has 'parent_class', which is not read", "theirs.yaml"},
        Wrong{"text_for_bits", off + on("lm_head.weight_quantizer", "{num_bits: e4m3}"),
              "quant_cfg[1].cfg is no number format that plans have", "theirs.yaml"},
        Wrong{"inputs_alone", off + on("lm_head.input_quantizer", "{num_bits: 8}"),
              "lm_head has its inputs rounded and its weight not", "theirs.yaml"},
        Wrong{"half_a_product", off + on("*1.self_attn.v_bmm_quantizer", "{num_bits: 8}"),
              "model.layers.1.self_attn: its p_bmm_quantizer and its v_bmm_quantizer round "
              "differently",
              "theirs.yaml"},
        Wrong{"many_stars", off + on("*a*a*a*a*a*a*a*a*a*a", "{num_bits: 8}"),
              "quant_cfg[1] has '*a*a*a*a*a*a*a*a*a*a' (so many wildcards could take very long to "
              "match). Write the names of the quantizers.",
              "theirs.yaml"},
        Wrong{"no_cfg", off + "- {quantizer_name: 'lm_head.w*', enable: true}\n",
              "the quantizer lm_head.weight_quantizer is on and has no cfg", "theirs.yaml"},
        Wrong{"says_nothing", off + "- {quantizer_name: 'lm_head.w*'}\n",
              "quant_cfg[1] says nothing of its quantizers", "theirs.yaml"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(ToolPlan, TiedOpsShareAFormatThereToo) {
  const Written file(config(R"("g": )" + group(q1, int8, int8)), "theirs.json");
  auto known = frame();
  known.ties = {{0, 1}};
  EXPECT_ERROR(fit(read(file.path()), known), ErrorKind::input,
               "layers.1.attention.q is int8 and layers.1.attention.v is bf16, and these ops share "
               "one format");
}

TEST(ToolPlan, IsRefusedAsYamlByItsLine) {
  const Written file("quant_cfg: [\n", "theirs.yaml");
  EXPECT_ERROR(read(file.path()), ErrorKind::config, file.path().string() + ":");
}

TEST(ToolPlan, ExpandsNoAliasesWithoutEnd) {
  std::string text = "quant_cfg: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    text += "k" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 0; j < 8; ++j) text += ", " + last;
    text += "]\n";
  }
  const Written bomb(text, "bomb.yaml");
  EXPECT_ERROR(read(bomb.path()), ErrorKind::config, "an alias (of itself, or of very much");
  const Written circle("quant_cfg: &a [*a]\n", "circle.yaml");
  EXPECT_ERROR(read(circle.path()), ErrorKind::config, "an alias (of itself, or of very much");
}

}  // namespace
}  // namespace gainsweep::plan_file
