#include "plan_file/plan_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/file.hpp"
#include "model/strict_json.hpp"
#include "plan_file/yaml.hpp"

namespace gainsweep::plan_file {
namespace {

using nlohmann::json;

constexpr const char* schema = "gainsweep plan";
constexpr int version = 1;
constexpr std::size_t most_letters = 64;

/// What a plan may have beside what is read of it: what its writer predicted.
const std::vector<std::string> written_along{
    "objective",  "strategy",      "threshold", "loss_model", "noise",  "budget",
    "loss_error", "predicted_mse", "gain",      "gain_units", "formats"};
const std::vector<std::string> read_keys{"schema",       "schema_version", "name",
                                         "model_digest", "assignment",     "modules"};

/// The keys of a file's plan.
class Keys {
 public:
  Keys(const json& object, const std::filesystem::path& file) : object_(object), file_(file) {}

  [[noreturn]] void refuse(const std::string& what, const std::string& advice) const {
    throw Error(ErrorKind::input,
                file_.string() + ": " + what + ". " + advice + (advice.ends_with('?') ? "" : "."));
  }

  bool has(const std::string& key) const { return object_.contains(key); }

  std::string text(const std::string& key) const {
    const auto& value = object_.at(key);
    if (!value.is_string()) refuse(key + " is no text", "Put it in quotes");
    return value.get<std::string>();
  }

  std::map<std::string, std::string> texts(const std::string& key) const {
    const auto& value = object_.at(key);
    if (!value.is_object())
      refuse(key + " is no object", "Write one text for each op: {\"OP\": \"…\"}");
    std::map<std::string, std::string> found;
    for (const auto& [name, item] : value.items()) {
      if (!item.is_string()) refuse(key + "." + one_line(name) + " is no text", "Put it in quotes");
      found.emplace(name, item.get<std::string>());
    }
    return found;
  }

  void check_known() const {
    auto known = read_keys;
    known.insert(known.end(), written_along.begin(), written_along.end());
    for (const auto& [key, value] : object_.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const auto meant = closest(key, known);
      refuse("unknown key " + quote(key) + " (the keys of a plan are " + join(known) + ")",
             meant.empty() ? "Remove it" : "Did you mean '" + meant + "'?");
    }
  }

  void check_schema() const {
    const bool is_plan = has("schema") && object_.at("schema") == schema;
    if (!is_plan)
      refuse(
          "no plan (its schema is not '" + std::string(schema) + "')",
          "Name a file that `gainsweep_analysis plan --format json` writes, a quantization_config "
          "of compressed-tensors or a quant_cfg of ModelOpt, or write one as "
          "docs/plan_files.md says");
    if (!has("schema_version") || object_.at("schema_version") != version)
      refuse("schema_version is not " + std::to_string(version) +
                 " (another layout of plans, or none is named)",
             "Write the plan in layout " + std::to_string(version));
  }

 private:
  const json& object_;
  const std::filesystem::path& file_;
};

std::string name_of(const Keys& keys, const std::filesystem::path& path) {
  if (!keys.has("name")) return one_line(path.stem().string());
  auto name = keys.text("name");
  const bool is_fit = !name.empty() && name.size() <= most_letters &&
                      std::none_of(name.begin(), name.end(), is_control);
  if (!is_fit)
    keys.refuse("name " + quote(name) + " does not fit a line of a table",
                "Write 1 to " + std::to_string(most_letters) + " bytes without control characters");
  return name;
}

PlanFile read_plan(const json& object, const std::filesystem::path& path) {
  const Keys keys(object, path);
  keys.check_schema();
  keys.check_known();
  if (!keys.has("assignment"))
    keys.refuse("no assignment", "Name every op of the model with its format");
  PlanFile plan{path, name_of(keys, path), "", keys.texts("assignment"), {}};
  if (keys.has("model_digest")) plan.model_digest = keys.text("model_digest");
  if (keys.has("modules")) plan.modules = keys.texts("modules");
  for (const auto& [op, module] : plan.modules)
    if (!plan.assignment.contains(op))
      keys.refuse("modules." + one_line(op) + " is about no op of the assignment",
                  "Add the op there, or remove it here");
  return plan;
}

json parse(const std::filesystem::path& path) {
  const auto text = disk::read_text(path);
  const auto ending = path.extension();
  return ending == ".yaml" || ending == ".yml" ? parse_yaml(text, path)
                                               : model::parse_json(text, path);
}

// The plan of another tool, if it is one.
std::optional<ToolPlan> of_tool(const json& object, const std::filesystem::path& path) {
  if (object.contains("quant_cfg")) return read_modelopt(object, path);
  if (object.contains("quantization_config") && object.at("quantization_config").is_object())
    return read_compressed_tensors(object.at("quantization_config"), path);
  if (object.contains("quant_method") || object.contains("config_groups"))
    return read_compressed_tensors(object, path);
  return std::nullopt;
}

}  // namespace

PlanFile read(const std::filesystem::path& path) {
  const auto object = parse(path);
  const Keys keys(object, path);
  if (!object.is_object()) keys.refuse("no plan (no JSON object)", "See docs/plan_files.md");
  if (auto tool = of_tool(object, path))
    return {path, one_line(path.stem().string()), "", {}, {}, std::move(tool)};
  return read_plan(object, path);
}

}  // namespace gainsweep::plan_file
