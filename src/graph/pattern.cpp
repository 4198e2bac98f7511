#include "graph/pattern.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"

namespace gainsweep::graph {
namespace {

bool matches(const std::string& pattern, const std::string& path) {
  return fnmatch(pattern.c_str(), path.c_str(), 0) == 0;
}

/// A path with its numbers replaced by `*`, as a person would write it for all layers.
std::string generalised(const std::string& path) {
  std::string pattern;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string component = path.substr(begin, end - begin);
    const bool number =
        !component.empty() && component.find_first_not_of("0123456789") == std::string::npos;
    pattern += (begin == 0 ? "" : ".") + (number ? "*" : component);
    begin = end + 1;
  }
  return pattern;
}

std::string hint(const std::vector<Op>& ops, const std::string& pattern) {
  const bool wild = pattern.find('*') != std::string::npos;
  std::set<std::string> candidates;
  for (const Op& op : ops) candidates.insert(wild ? generalised(op.path) : op.path);
  const auto best = closest(pattern, {candidates.begin(), candidates.end()});
  if (!best.empty()) return "Did you mean `" + best + "`?";
  if (ops.empty()) return "Remove it.";
  return "Write it over paths such as `" + ops.front().path + "` or `" + ops.back().path + "`.";
}

}  // namespace

std::vector<std::size_t> matching_ops(const std::vector<Op>& ops, const std::string& pattern,
                                      const std::string& key) {
  std::vector<std::size_t> matched;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (matches(pattern, ops[i].path)) matched.push_back(i);
  }
  if (matched.empty()) {
    throw Error(ErrorKind::config, key + ": the pattern `" + pattern + "` matches none of the " +
                                       std::to_string(ops.size()) + " quantizable ops. " +
                                       hint(ops, pattern));
  }
  return matched;
}

std::string instance_of(const std::string& pattern, const std::string& path) {
  const std::size_t first = pattern.find_first_of("*?[");
  const std::size_t last_dot = pattern.rfind('.');
  if (first == std::string::npos || last_dot == std::string::npos || first > last_dot) return {};
  if (pattern[first] != '*') return path.substr(first, 1);
  const std::string rest = pattern.substr(first + 1);
  std::size_t length = 0;
  while (first + length < path.size() && !matches(rest, path.substr(first + length))) ++length;
  return path.substr(first, length);
}

}  // namespace gainsweep::graph
