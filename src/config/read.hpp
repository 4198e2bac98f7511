#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/kind.hpp"
#include "config/source.hpp"

namespace gainsweep::config {

/// Values of swept leaves by dotted path, in the order of the sweep: YAML on one line, with what
/// the spec leaves out filled in.
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// "section.length = 128, seed = 1"; empty without a sweep.
std::string text_of(const Parameters& parameters);

/// One spec of a file, read and checked.
struct Reading {
  const Kind* kind;       ///< one of those given
  Parameters parameters;  ///< none without a sweep
  std::unique_ptr<Draft> draft;
};

/// The points of a spec: every combination of the values under its `sweep`, the last of its keys
/// changing fastest; one where there is no `sweep`. Error(config) that lists every problem of every
/// point, one a line, as `file:line: path: what is wrong (why). What to do`.
std::vector<Reading> read_points(const Source& source, const Kinds& kinds);

}  // namespace gainsweep::config
