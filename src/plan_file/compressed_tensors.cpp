#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "plan_file/module_pattern.hpp"
#include "plan_file/tool_plan.hpp"

namespace gainsweep::plan_file {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what,
                         const std::string& advice) {
  throw Error(ErrorKind::input, file.string() + ": " + what + ". " + advice + ".");
}

bool is_absent(const json& object, const std::string& key) {
  return !object.contains(key) || object.at(key).is_null();
}

std::string text_of(const json& object, const std::string& key) {
  return is_absent(object, key) || !object.at(key).is_string() ? ""
                                                               : object.at(key).get<std::string>();
}

int number_of(const json& object, const std::string& key) {
  return is_absent(object, key) || !object.at(key).is_number_integer() ? 0
                                                                       : object.at(key).get<int>();
}

// The number format that arguments of compressed-tensors describe; empty where there is none.
std::string number_format(const json& arguments) {
  const auto bits = number_of(arguments, "num_bits");
  const auto type = text_of(arguments, "type");
  const auto strategy = text_of(arguments, "strategy");
  const auto group = number_of(arguments, "group_size");
  if (strategy == "tensor" || strategy == "channel" || strategy == "token") {
    if (bits == 8 && type == "int") return "int8";
    return bits == 8 && type == "float" ? "fp8_e4m3" : "";
  }
  if (strategy == "tensor_group") return bits == 4 && type == "float" && group == 16 ? "nvfp4" : "";
  if (strategy != "group") return "";
  if (type == "int") return "int" + std::to_string(bits) + "_g" + std::to_string(group);
  if (group != 32) return "";
  return bits == 8 ? "mxfp8_e4m3" : bits == 6 ? "mxfp6_e2m3" : bits == 4 ? "mxfp4" : "";
}

/// One of `config_groups`.
struct Group {
  std::string key;
  std::vector<ModulePattern> targets;
  Numbers numbers;
};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : file_(file) {}

  std::vector<ModulePattern> patterns(const json& object, const std::string& key) const {
    std::vector<ModulePattern> found;
    if (is_absent(object, key)) return found;
    if (!object.at(key).is_array()) refuse(file_, key + " is no list", "Write a list of names");
    for (const auto& item : object.at(key)) {
      if (!item.is_string()) refuse(file_, key + " has an item that is no text", "Write names");
      found.push_back(ModulePattern::of(item.get<std::string>(), key, file_));
    }
    return found;
  }

  Group group(const std::string& key, const json& value) const {
    const auto place = "config_groups." + one_line(key);
    if (!value.is_object()) refuse(file_, place + " is no object", "Write targets and weights");
    if (!is_absent(value, "output_activations"))
      refuse(file_, place + ".output_activations is given, and no plan rounds what ops put out",
             "Set it to null");
    Group found{place, patterns(value, "targets"), {}};
    found.numbers.weight = number(value, place, "weights");
    if (found.numbers.weight.empty())
      refuse(file_, place + " has no weights", "Describe what they are stored in");
    found.numbers.activation = number(value, place, "input_activations");
    return found;
  }

 private:
  std::string number(const json& group, const std::string& place, const std::string& key) const {
    if (is_absent(group, key)) return "";
    const auto& arguments = group.at(key);
    if (!arguments.is_object()) refuse(file_, place + "." + key + " is no object", "See its docs");
    if (!is_absent(arguments, "symmetric") && arguments.at("symmetric") != true)
      refuse(file_, place + "." + key + ".symmetric is not true, and plans have no zero points",
             "Write a symmetric scheme");
    if (!is_absent(arguments, "actorder"))
      refuse(file_, place + "." + key + ".actorder is given, and groups of plans are neighbours",
             "Set it to null");
    auto name = number_format(arguments);
    if (name.empty())
      refuse(file_,
             place + "." + key + " is no number format that plans have (num_bits " +
                 std::to_string(number_of(arguments, "num_bits")) + ", type " +
                 quote(text_of(arguments, "type")) + ", strategy " +
                 quote(text_of(arguments, "strategy")) + ")",
             "docs/formats.md has those that there are");
    return name;
  }

  const std::filesystem::path& file_;
};

bool any_matches(const std::vector<ModulePattern>& patterns, const std::string& module) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& pattern) { return pattern.matches(module); });
}

/// What is read of a file.
struct Config {
  std::filesystem::path file;
  std::vector<ModulePattern> ignored;
  std::vector<Group> groups;

  Numbers of(const std::string& module) const {
    if (any_matches(ignored, module)) return {};
    const Group* found = nullptr;
    for (const auto& group : groups) {
      if (!any_matches(group.targets, module)) continue;
      if (found && !(found->numbers == group.numbers))
        refuse(file, found->key + " and " + group.key + " both name " + quote(module),
               "Name each module in one group");
      found = &group;
    }
    return found ? found->numbers : Numbers{};
  }
};

}  // namespace

ToolPlan read_compressed_tensors(const json& config, const std::filesystem::path& file) {
  if (text_of(config, "quant_method") != "compressed-tensors")
    refuse(file, "quant_method is not 'compressed-tensors'",
           "Name a quantization_config of compressed-tensors");
  for (const auto& [key, why] :
       {std::pair<std::string, std::string>{"kv_cache_scheme", "the KV cache is no op of a plan"},
        {"transform_config", "plans transform no weights"},
        {"sparsity_config", "plans leave no weights out"}})
    if (!is_absent(config, key) && !config.at(key).empty())
      refuse(file, key + " is given, and " + why, "Remove it");
  if (is_absent(config, "config_groups") || !config.at("config_groups").is_object())
    refuse(file, "config_groups is no object", "Name a quantization_config of compressed-tensors");
  const Reader reader(file);
  const auto read = std::make_shared<Config>(Config{file, reader.patterns(config, "ignore"), {}});
  ToolPlan plan;
  for (const auto& [key, value] : config.at("config_groups").items()) {
    read->groups.push_back(reader.group(key, value));
    for (const auto& pattern : read->groups.back().targets)
      if (pattern.is_name()) plan.lowered.push_back(pattern.text());
  }
  plan.layer = [read](const auto& module) { return read->of(module); };
  plan.product = [](const auto&, const auto&) { return Numbers{}; };
  return plan;
}

}  // namespace gainsweep::plan_file
