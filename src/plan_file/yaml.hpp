#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace gainsweep::plan_file {

/// The mapping of a YAML text as JSON: null, true and false, numbers and texts as YAML 1.2 has
/// them, aliases written out. Error(config) naming file and line for what is no such text.
nlohmann::json parse_yaml(const std::string& text, const std::filesystem::path& file);

}  // namespace gainsweep::plan_file
