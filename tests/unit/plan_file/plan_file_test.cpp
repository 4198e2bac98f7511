#include "plan_file/plan_file.hpp"

#include <gtest/gtest.h>

#include "unit/throws.hpp"
#include "written.hpp"

namespace gainsweep::plan_file {
namespace {

TEST(PlanFile, HasTheNameOfItsFileAndAllThatItSays) {
  const Written file(plan_with(R"("assignment": {"q": "int8", "k": "bf16"})"), "of.others.json");
  const auto plan = read(file.path());
  EXPECT_EQ(plan.name, "of.others");
  EXPECT_EQ(plan.assignment, (std::map<std::string, std::string>{{"k", "bf16"}, {"q", "int8"}}));
  EXPECT_TRUE(plan.model_digest.empty());
  EXPECT_TRUE(plan.modules.empty());
}

TEST(PlanFile, ReadsWhatAnExportWrites) {
  const Written file(plan_with(R"("name": "AutoRound, 4.5 bits", "model_digest": "abc",
      "objective": "macs", "strategy": "ip", "threshold": 0.01, "loss_model": "anchored",
      "noise": "empirical", "budget": null, "loss_error": 1e-6, "predicted_mse": 1e-6,
      "gain": 12, "gain_units": "1", "formats": {"int8": {"scale": "static"}},
      "assignment": {"q": "int8"}, "modules": {"q": "model.q_proj"})"));
  const auto plan = read(file.path());
  EXPECT_EQ(plan.name, "AutoRound, 4.5 bits");
  EXPECT_EQ(plan.model_digest, "abc");
  EXPECT_EQ(plan.modules.at("q"), "model.q_proj");
}

struct Wrong {
  const char* name;
  std::string content;
  const char* message;  ///< after the path
};

class WrongFile : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongFile, IsRefusedByName) {
  const Written file(GetParam().content);
  EXPECT_ERROR(read(file.path()), ErrorKind::input,
               file.path().string() + ": " + GetParam().message);
}

const std::string sound = R"("assignment": {"q": "int8"})";

INSTANTIATE_TEST_SUITE_P(
    Files, WrongFile,
    ::testing::Values(
        Wrong{"nothing", "", "not valid JSON (line 1, at byte 1)"},
        Wrong{"cut", R"({"schema": "gainsweep)", "not valid JSON (line 1"},
        Wrong{"twice", plan_with(R"("assignment": {"q": "int8", "q": "bf16"})"),
              "key 'q' is given twice. Repair"},
        Wrong{"list", "[]", "no plan (no JSON object). See docs/plan_files.md."},
        Wrong{"other", R"({"bits": 4})",
              "no plan (its schema is not 'gainsweep plan'). Name a file that `gainsweep_analysis "
              "plan --format json` writes, a quantization_config of compressed-tensors or a "
              "quant_cfg of ModelOpt, or write one as docs/plan_files.md says."},
        Wrong{"later", R"({"schema": "gainsweep plan", "schema_version": 2})",
              "schema_version is not 1 (another layout of plans, or none is named). Write the plan "
              "in layout 1."},
        Wrong{"text_version", R"({"schema": "gainsweep plan", "schema_version": "1"})",
              "schema_version is not 1"},
        Wrong{"no_version", R"({"schema": "gainsweep plan"})", "schema_version is not 1"},
        Wrong{"misspelt", plan_with(R"("asignment": {"q": "int8"})"),
              "unknown key 'asignment' (the keys of a plan are schema, "},
        Wrong{"default", plan_with(sound + R"(, "default": "bf16")"), "unknown key 'default'"},
        Wrong{"no_assignment", plan_with(R"("name": "a")"),
              "no assignment. Name every op of the model with its format."},
        Wrong{"list_of_ops", plan_with(R"("assignment": ["q"])"),
              "assignment is no object. Write one text for each op: {\"OP\": \"…\"}."},
        Wrong{"number", plan_with(R"("assignment": {"q": 8})"),
              "assignment.q is no text. Put it in quotes."},
        Wrong{"null_digest", plan_with(sound + R"(, "model_digest": null)"),
              "model_digest is no text. Put it in quotes."},
        Wrong{"no_name", plan_with(sound + R"(, "name": "")"),
              "name '' does not fit a line of a table. Write 1 to 64 bytes"},
        Wrong{"two_lines", plan_with(sound + R"(, "name": "a\nb")"),
              "name 'a b' does not fit a line of a table"},
        Wrong{"module_of_nothing", plan_with(sound + R"(, "modules": {"k": "k_proj"})"),
              "modules.k is about no op of the assignment. Add the op there, or remove it here."}),
    [](const auto& test) { return test.param.name; });

TEST(PlanFile, SaysWhatIsMeantByAMisspeltKey) {
  const Written file(plan_with(R"("asignment": {"q": "int8"})"));
  EXPECT_ERROR(read(file.path()), ErrorKind::input, "Did you mean 'assignment'?");
}

TEST(PlanFile, MustBeThere) {
  EXPECT_ERROR(read("no/such.json"), ErrorKind::input, "no/such.json cannot be read (No such file");
}

}  // namespace
}  // namespace gainsweep::plan_file
