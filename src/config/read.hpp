#pragma once

#include <string>

#include "config/spec.hpp"

namespace gainsweep::config {

/// The spec in a YAML text. `file` names it in messages. Error(config) that lists every problem,
/// one a line, as `file:line: path: what is wrong (why). What to do`.
Spec read(const std::string& text, const std::string& file);

/// The spec in a YAML file. Error(config) also when the file cannot be read.
Spec load(const std::filesystem::path& path);

/// The spec as YAML with every default written out; `read` of it gives an equal spec.
std::string resolved(const Spec& spec);

/// JSON Schema of specs, generated from the reader's own definitions.
std::string json_schema();

/// Every key with type, default, bounds and meaning, as Markdown, from the same definitions.
std::string reference();

}  // namespace gainsweep::config
