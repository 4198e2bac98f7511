#include "config/schema.hpp"

#include <nlohmann/json.hpp>

#include "config/sweep.hpp"

namespace gainsweep::config {
namespace {

/// Keys stay in the order of the description.
using Json = nlohmann::ordered_json;

Json array_of(const Json& items) {
  return {{"type", "array"}, {"items", items}};
}

Json path_schema() {
  return {{"type", "string"}, {"minLength", 1}};
}

Json object_of(const Section& section);

struct Typing {
  Json operator()(const Integer& integer) const {
    return {{"type", "integer"}, {"minimum", integer.least}, {"maximum", integer.most}};
  }
  Json operator()(const Real& real) const {
    return {{"type", "number"},
            {real.above ? "exclusiveMinimum" : "minimum", real.least},
            {real.below ? "exclusiveMaximum" : "maximum", real.most}};
  }
  Json operator()(const Flag&) const { return {{"type", "boolean"}}; }
  Json operator()(const Name&) const { return {{"type", "string"}, {"pattern", name_pattern}}; }
  Json operator()(const OptionalName&) const {
    return {{"type", Json::array({"string", "null"})}, {"pattern", name_pattern}};
  }
  Json operator()(const Path&) const { return path_schema(); }
  Json operator()(const OptionalPath&) const {
    return {{"type", Json::array({"string", "null"})}, {"minLength", 1}};
  }
  Json operator()(const Paths&) const { return array_of(path_schema()); }
  Json operator()(const Choice& choice) const { return {{"enum", choice.names}}; }
  Json operator()(const ChoiceList& list) const {
    Json schema = array_of({{"enum", list.names}});
    schema["minItems"] = list.least_count;
    schema["uniqueItems"] = true;
    return schema;
  }
  Json operator()(const Patterns&) const { return array_of(path_schema()); }
  Json operator()(const OptionalPatterns&) const {
    Json schema = array_of(path_schema());
    schema["type"] = Json::array({"array", "null"});
    return schema;
  }
  Json operator()(const PatternGroups&) const {
    Json group = array_of(path_schema());
    group["minItems"] = 1;
    return array_of(group);
  }
  Json operator()(const Grid& grid) const {
    Json list = array_of((*this)(grid.bounds));
    list["minItems"] = 1;
    list["maxItems"] = most_grid_numbers;
    list["uniqueItems"] = true;
    Progression progression;
    const Json numbers = object_of(describe(progression, grid.bounds));
    const Json progressions = {{"type", "object"},
                               {"properties", {{"geometric", numbers}, {"linear", numbers}}},
                               {"additionalProperties", false},
                               {"minProperties", 1},
                               {"maxProperties", 1}};
    return {{"oneOf", Json::array({list, progressions})}};
  }
  Json operator()(const NamedNumbers& numbers) const {
    Json properties = Json::object();
    for (const auto& name : numbers.names) properties[name] = (*this)(numbers.bounds);
    return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  }
  Json operator()(const NamedGrids& grids) const {
    Json properties = Json::object();
    for (const auto& name : grids.names) properties[name] = (*this)(Grid{nullptr, grids.bounds});
    return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  }
  Json operator()(const Backoff& backoff) const {
    return {{"oneOf", Json::array({(*this)(backoff.activation), object_of(describe(backoff))})}};
  }
  Json operator()(const Section& section) const { return object_of(section); }
  Json operator()(const Sections& sections) const { return array_of(object_of(each(sections))); }
};

/// What a value holds where nothing is written.
struct Default {
  Json operator()(const Integer& integer) const { return *integer.value; }
  Json operator()(const Real& real) const { return *real.value; }
  Json operator()(const Flag& flag) const { return *flag.value; }
  Json operator()(const Name& name) const { return *name.value; }
  Json operator()(const OptionalName& name) const {
    return *name.value ? Json(**name.value) : Json();
  }
  Json operator()(const Path& path) const { return path.value->string(); }
  Json operator()(const OptionalPath& path) const {
    return *path.value ? Json((*path.value)->string()) : Json();
  }
  Json operator()(const Paths& paths) const {
    Json list = Json::array();
    for (const auto& path : *paths.value) list.push_back(path.string());
    return list;
  }
  Json operator()(const Choice& choice) const { return choice.get(); }
  Json operator()(const ChoiceList& list) const { return list.get(); }
  Json operator()(const Patterns& patterns) const { return *patterns.value; }
  Json operator()(const OptionalPatterns& patterns) const {
    return *patterns.value ? Json(**patterns.value) : Json();
  }
  Json operator()(const PatternGroups& groups) const { return *groups.value; }
  Json operator()(const Grid& grid) const { return *grid.value; }
  Json operator()(const NamedNumbers& numbers) const { return *numbers.value; }
  Json operator()(const NamedGrids& grids) const { return *grids.value; }
  Json operator()(const Backoff& backoff) const {
    return {{"activation", *backoff.activation.value}, {"weight", *backoff.weight.value}};
  }
  Json operator()(const Section& section) const {
    Json values = Json::object();
    for (const auto& key : section.keys) values[key.name] = std::visit(*this, key.value);
    return values;
  }
  Json operator()(const Sections& sections) const {
    Json list = Json::array();
    for (std::size_t i = 0; i < sections.size(); ++i) list.push_back((*this)(sections.at(i)));
    return list;
  }
};

Json schema_of(const Key& key) {
  Json schema = std::visit(Typing{}, key.value);
  schema["description"] = key.help + (key.unit.empty() ? "" : " [" + key.unit + "]");
  const bool is_section = std::holds_alternative<Section>(key.value);
  if (key.example.empty() && !is_section) schema["default"] = std::visit(Default{}, key.value);
  return schema;
}

/// Types of the keys of a section, and the names of those that must be written.
Json keys_of(const Section& section) {
  Json properties = Json::object();
  Json names = Json::array();
  for (const auto& key : section.keys) {
    properties[key.name] = schema_of(key);
    if (!required({{key}}).empty()) names.push_back(key.name);
  }
  Json schema = {{"properties", properties}};
  if (!names.empty()) schema["required"] = names;
  return schema;
}

Json object_of(const Section& section) {
  Json schema = {{"type", "object"}};
  schema.update(keys_of(section));
  schema["additionalProperties"] = false;
  return schema;
}

/// Lists of values by the path of a leaf.
Json variations(const Section& root) {
  Json properties = Json::object();
  for (const auto& [path, key] : leaves(root)) {
    properties[path] = array_of(std::visit(Typing{}, key->value));
    properties[path]["minItems"] = 1;
  }
  return {{"type", "object"},
          {"properties", properties},
          {"additionalProperties", false},
          {"minProperties", 1}};
}

Json sweep_schema(const std::string& kind) {
  const auto group = [&](const char* help) {
    return Json{{"$ref", "#/$defs/variations_" + kind}, {"description", help}};
  };
  return {{"type", "object"},
          {"properties", {{"product", group(product_help)}, {"zip", group(zip_help)}}},
          {"additionalProperties", false},
          {"minProperties", 1},
          {"description", sweep_help}};
}

/// What holds for specs of a kind, and for those of the kinds behind it. Each branch is closed, so
/// it allows the `shared` keys by name; what they may be stands beside the branches.
Json branches(const Kinds& kinds, std::size_t first, const Section& shared) {
  const auto& kind = kinds[first];
  const auto draft = kind.make_draft();
  Json own = keys_of(draft->own());
  own["properties"]["sweep"] = sweep_schema(kind.name);
  for (const auto& key : shared.keys) own["properties"][key.name] = true;
  own["additionalProperties"] = false;
  Json schema = {{"if", {{"properties", {{"experiment", {{"const", kind.name}}}}}}}, {"then", own}};
  if (first + 1 < kinds.size()) schema["else"] = branches(kinds, first + 1, shared);
  return schema;
}

}  // namespace

std::string json_schema(const Kinds& kinds) {
  Heading heading;
  const auto draft = kinds.front().make_draft();
  Section shared = describe(heading, kinds);
  for (const auto& key : draft->common().keys) shared.keys.push_back(key);
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "gainsweep spec"},
                 {"description", "A batch experiment"},
                 {"type", "object"}};
  schema.update(keys_of(shared));
  schema.update(branches(kinds, 0, shared));
  for (const auto& kind : kinds) {
    const auto any = kind.make_draft();
    schema["$defs"]["variations_" + kind.name] = variations(describe(heading, *any, kinds));
  }
  return schema.dump(2) + "\n";
}

}  // namespace gainsweep::config
