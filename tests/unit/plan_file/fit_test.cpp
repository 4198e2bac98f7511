#include "plan_file/fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "unit/throws.hpp"

namespace gainsweep::plan_file {
namespace {

using Texts = std::map<std::string, std::string>;

/// Two layers; two ops read one weight, the products of attention read none.
Frame frame() {
  return {{{"layers.0.q", "model.layers.0.q_proj"},
           {"layers.0.qk", ""},
           {"layers.1.q", "model.layers.1.q_proj"},
           {"layers.1.qk", ""},
           {"head.a", "model.embed"},
           {"head.b", "model.embed"}},
          {"bf16", "int8", "w4a16_g32"},
          {{0, 1}, {2}, {3}, {4}, {5}}};
}

Texts sound() {
  return {{"layers.0.q", "int8"},  {"layers.0.qk", "int8"}, {"layers.1.q", "w4a16_g32"},
          {"layers.1.qk", "bf16"}, {"head.a", "bf16"},      {"head.b", "int8"}};
}

const std::vector<std::size_t> wanted{1, 1, 2, 0, 0, 1};

std::vector<std::size_t> fitted(const Texts& assignment, const Texts& modules = {}) {
  return fit({"mine.json", "mine", "", assignment, modules}, frame());
}

/// With another entry instead of an old one.
Texts renamed(const std::string& old, const std::string& op) {
  auto texts = sound();
  texts[op] = texts.at(old);
  texts.erase(old);
  return texts;
}

TEST(Fit, FindsOpsByPath) {
  EXPECT_EQ(fitted(sound()), wanted);
  EXPECT_EQ(fitted(sound(), {{"layers.0.q", "model.layers.0.q_proj"}}), wanted);
}

TEST(Fit, FindsOpsByModule) {
  EXPECT_EQ(fitted(renamed("layers.1.q", "model.layers.1.q_proj")), wanted)
      << "as other tools call them";
  EXPECT_EQ(fitted(renamed("layers.1.q", "blocks[1].query"),
                   {{"blocks[1].query", "model.layers.1.q_proj"}}),
            wanted)
      << "as the file's modules say";
}

TEST(Fit, TakesAnyMixOfNames) {
  std::mt19937 random(3);
  const auto model = frame();
  for (int trial = 0; trial < 200; ++trial) {
    Texts assignment, modules;
    std::vector<std::size_t> formats;
    for (std::size_t i = 0; i < model.ops.size(); ++i) {
      formats.push_back(i == 1 ? formats[0] : random() % model.formats.size());
      const auto& [path, module] = model.ops[i];
      const bool has_own = !module.empty() && module != "model.embed";
      auto name = path;
      if (has_own && random() % 2 == 0) name = random() % 2 == 0 ? module : "op" + path;
      if (name == "op" + path) modules[name] = module;
      assignment[name] = model.formats[formats.back()];
    }
    EXPECT_EQ(fitted(assignment, modules), formats);
  }
}

struct Wrong {
  const char* name;
  Texts assignment;
  Texts modules;
  const char* message;
};

Texts with(const std::string& op, const std::string& format) {
  auto texts = sound();
  texts[op] = format;
  return texts;
}

Texts without(const std::vector<std::string>& ops) {
  auto texts = sound();
  for (const auto& op : ops) texts.erase(op);
  return texts;
}

class Misfit : public ::testing::TestWithParam<Wrong> {};

TEST_P(Misfit, IsRefusedByName) {
  EXPECT_ERROR(fitted(GetParam().assignment, GetParam().modules), ErrorKind::input,
               std::string("mine.json: ") + GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Plans, Misfit,
    ::testing::Values(
        Wrong{"unknown_op",
              with("layers.2.q", "int8"),
              {},
              "assignment.layers.2.q is no op of this model and no module of its checkpoint. Did "
              "you mean 'layers.0.q'?"},
        Wrong{"unlike_any_op",
              with("transformer", "int8"),
              {},
              "assignment.transformer is no op of this model and no module of its checkpoint. Name "
              "ops by their paths (`gainsweep show` lists them)."},
        Wrong{"unknown_module",
              renamed("layers.1.q", "x"),
              {{"x", "model.layers.9.q_proj"}},
              "assignment.x is no op of this model"},
        Wrong{"no_module",
              renamed("layers.1.qk", "x"),
              {{"x", ""}},
              "assignment.x is no op of this model"},
        Wrong{"other_module",
              sound(),
              {{"layers.0.q", "model.layers.0.query"}},
              "modules.layers.0.q is 'model.layers.0.query', and in this model it is "
              "'model.layers.0.q_proj'. Name a plan of this model."},
        Wrong{"shared_module",
              renamed("head.a", "model.embed"),
              {},
              "assignment.model.embed is of the module 'model.embed', which 2 ops read. Name these "
              "by their paths"},
        Wrong{"twice",
              with("model.layers.1.q_proj", "int8"),
              {},
              "assignment.layers.1.q and assignment.model.layers.1.q_proj are both the op "
              "layers.1.q. Remove one of the two."},
        Wrong{"unknown_format",
              with("layers.1.q", "fp8"),
              {},
              "assignment.layers.1.q is 'fp8', which is no format of this run (formats.high and "
              "formats.low have bf16, int8, w4a16_g32). Write one of these, or add it to "
              "formats.low."},
        Wrong{"misspelt_format",
              with("layers.1.q", "int_8"),
              {},
              "assignment.layers.1.q is "
              "'int_8', which is no format of this run (formats.high and formats.low have bf16, "
              "int8, w4a16_g32). Did you mean 'int8'?"},
        Wrong{"absent",
              without({"layers.1.qk"}),
              {},
              "assignment lacks layers.1.qk of the model's 6 ops (an absent op never means a "
              "default). Name every op, with bf16 what is not lowered."},
        Wrong{"all_absent",
              {},
              {},
              "assignment lacks layers.0.q, layers.0.qk, layers.1.q, layers.1.qk and 2 more of the "
              "model's 6 ops"},
        Wrong{"split_tie",
              with("layers.0.qk", "bf16"),
              {},
              "assignment.layers.0.q is int8 and assignment.layers.0.qk is bf16, and these ops "
              "share one format (partition.tie or partition.fused holds them together). Give them "
              "one, or run without that key."}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace gainsweep::plan_file
