#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "spec/spec.hpp"

namespace gainsweep::spec {

using config::Source, config::is_stream, config::load, config::written;

/// The points of a spec: every combination of the values under its `sweep`, the last of its keys
/// changing fastest; one where there is no `sweep`. Error(config) that lists every problem of every
/// point, one a line, as `file:line: path: what is wrong (why). What to do`.
std::vector<Point> read_points(const Source& source);
/// The same of a text without settings whose paths start from the working directory.
std::vector<Point> read_points(const std::string& text, const std::string& file);

/// The points of the spec in a file or stream: read_points of load.
std::vector<Point> load_points(const std::filesystem::path& path,
                               std::vector<std::string> settings = {});

/// The spec in a YAML text without a sweep. Error(config) as above.
Spec read(const std::string& text, const std::string& file);

/// "calibration.length = 128, solve.noise = paper"; empty without a sweep.
using config::text_of;

/// The spec as YAML with every default written out; `read` of it gives an equal spec.
std::string resolved(const Spec& spec);

/// JSON Schema of specs of all kinds, generated from the reader's own definitions.
std::string json_schema();

/// Every key with type, default, bounds and meaning, as Markdown, from the same definitions.
std::string reference();

}  // namespace gainsweep::spec
