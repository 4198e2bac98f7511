#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gainsweep::model {

/// The JSON value of a text. Error(input) naming the file, and line and key where they help, for a
/// syntax error, the Infinity and NaN of Python, a file of another kind, invalid UTF-8, a
/// number out of range, an object key given twice (which JSON readers commonly resolve silently)
/// and nesting deeper than 16.
nlohmann::json parse_json(std::string_view text, const std::filesystem::path& file);

}  // namespace gainsweep::model
