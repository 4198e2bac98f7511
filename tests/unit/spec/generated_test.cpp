#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "files.hpp"
#include "spec/read.hpp"

namespace gainsweep::spec {
namespace {

/// Compares a committed file with what it is generated from and leaves the current text to copy.
void expect_current(const std::string& name, const std::string& current) {
  const auto committed = testing::source_dir / "docs" / name;
  const auto generated = std::filesystem::path(GAINSWEEP_BINARY_DIR) / name;
  std::ofstream(generated, std::ios::binary) << current;
  EXPECT_TRUE(testing::text_of(committed) == current)
      << committed << " is not what the reader's description says. Copy " << generated
      << " over it.";
}

TEST(Generated, ReferenceIsCurrent) {
  expect_current("spec.md", reference());
}

TEST(Generated, SchemaIsCurrent) {
  expect_current("spec.schema.json", json_schema());
}

TEST(Generated, EveryObjectOfTheSchemaIsClosed) {
  const auto schema = nlohmann::json::parse(json_schema());
  int objects = 0;
  const std::function<void(const nlohmann::json&)> walk = [&](const nlohmann::json& node) {
    // The root is closed by its branches.
    if (node.is_object() && node.contains("properties") && node.value("type", "") == "object" &&
        !node.contains("$schema")) {
      EXPECT_EQ(node.at("additionalProperties"), false);
      ++objects;
    }
    for (const auto& child : node) {
      if (child.is_structured()) walk(child);
    }
  };
  walk(schema);
  EXPECT_GT(objects, 10);
  EXPECT_EQ(schema.at("then").at("additionalProperties"), false);
}

TEST(Generated, EveryKeyOfTheSchemaHasADescriptionAndADefaultOrIsRequired) {
  const auto schema = nlohmann::json::parse(json_schema());
  for (const auto& [section, description] : schema.at("then").at("properties").items()) {
    if (description.is_boolean()) {  // what all kinds have
      EXPECT_TRUE(schema.at("properties").contains(section)) << section;
      continue;
    }
    EXPECT_FALSE(description.at("description").get<std::string>().empty()) << section;
    if (!description.contains("properties")) continue;
    const auto needed = description.value("required", std::vector<std::string>{});
    for (const auto& [key, value] : description.at("properties").items()) {
      EXPECT_FALSE(value.at("description").get<std::string>().empty()) << section << "." << key;
      const bool is_required = std::find(needed.begin(), needed.end(), key) != needed.end();
      EXPECT_TRUE(is_required || value.contains("default") || value.contains("properties") ||
                  value.contains("$ref"))
          << section << "." << key;
      EXPECT_NE(reference().find("`" + section + "." + key + "`"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace gainsweep::spec
