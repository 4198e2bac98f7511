#include "plan_file/yaml.hpp"

#include <nlohmann/json.hpp>

#include "config/aliases.hpp"

namespace gainsweep::plan_file {
namespace {

using nlohmann::json;

json scalar(const config::Node& node) {
  if (node.quoted) return node.text;
  if (node.text == "true" || node.text == "false") return node.text == "true";
  const auto number = json::parse(node.text, nullptr, /*allow_exceptions=*/false);
  return number.is_number() ? number : json(node.text);
}

json to_json(const config::Node& node) {
  switch (node.kind) {
    case config::Node::Kind::scalar:
      return scalar(node);
    case config::Node::Kind::sequence: {
      auto list = json::array();
      for (const auto& item : node.items) list.push_back(to_json(item));
      return list;
    }
    case config::Node::Kind::mapping: {
      auto object = json::object();
      for (const auto& [key, line, value] : node.entries) object[key] = to_json(value);
      return object;
    }
    default:
      return nullptr;
  }
}

}  // namespace

json parse_yaml(const std::string& text, const std::filesystem::path& file) {
  config::Problems problems(file.string(), {}, {"a plan", "a quant_cfg of ModelOpt"});
  const auto document = config::parse_with_aliases(text, problems);
  problems.throw_if_any();
  return document ? to_json(*document) : json::object();
}

}  // namespace gainsweep::plan_file
