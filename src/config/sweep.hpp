#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/document.hpp"
#include "config/key.hpp"
#include "config/problems.hpp"
#include "config/reader.hpp"

/// `sweep:`, which makes many specs of one file.
namespace gainsweep::config {

/// A leaf of a spec with the values that it takes in turn.
struct Variation {
  std::string path;  ///< "calibration.length"
  int line = 1;
  std::vector<Node> values;
};

/// Leaves that change together (the keys of `zip`) or a single one (a key of `product`); all have
/// the same number of values.
using Axis = std::vector<Variation>;

inline constexpr std::size_t most_points = 1000;
/// Bytes of a spec, times its points.
inline constexpr std::size_t most_swept_bytes = std::size_t{1} << 24;

/// Takes the entry `sweep` out of a document and reports what is wrong with it. No axes where there
/// is no such entry, or nothing to go on with.
std::vector<Axis> take_sweep(Node& document, const Section& root, const std::vector<Moved>& moved,
                             Problems& problems);

/// Paths of the leaves that are swept.
std::set<std::string> paths_of(const std::vector<Axis>& axes);

/// Combinations of the axes' values; 1 without axes.
std::size_t count_combinations(const std::vector<Axis>& axes);

/// Makes `value` the value of the leaf or section at a dotted path, with the sections around it
/// where they are missing.
void put(Node& mapping, const std::string& path, const Node& value);

/// The document with the values of one combination in place; the last axis changes fastest.
Node substitute(Node document, const std::vector<Axis>& axes, std::size_t combination);

/// The leaves that a sweep may vary, by dotted path, in the order of the description.
std::vector<std::pair<std::string, const Key*>> leaves(const Section& root);

/// What `sweep` and its keys are about, for schema and reference.
inline constexpr const char* sweep_help =
    "values that leaves take in turn; every combination is a point, run like a spec of its own";
inline constexpr const char* product_help = "leaves whose values are all combined";
inline constexpr const char* zip_help =
    "leaves that change together: all take their first values, then their second ones, and so on";

}  // namespace gainsweep::config
