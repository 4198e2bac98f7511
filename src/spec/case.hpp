#pragma once

#include <string>
#include <vector>

#include "config/read.hpp"
#include "spec/plan_draft.hpp"

namespace gainsweep::spec {

/// A spec under examination.
class Case {
 public:
  Case(const Parts& a_parts, const config::Lines& lines, config::Problems& problems)
      : parts(a_parts), lines_(lines), problems_(problems) {}

  const Parts& parts;

  bool is_written(const std::string& path) const { return lines_.contains(path); }

  /// Reports at the line of a key, or where it is not written at that of what it would stand in.
  void add(const std::string& path, const std::string& what) const {
    problems_.add(line_of(path), path, what);
  }

 private:
  int line_of(std::string path) const {
    while (true) {
      const auto found = lines_.find(path);
      if (found != lines_.end()) return found->second;
      const std::size_t end = path.find_last_of(".[");
      if (end == std::string::npos) return 1;
      path.resize(end);
    }
  }

  const config::Lines& lines_;
  config::Problems& problems_;
};

/// What has to hold between keys.
struct Rule {
  const char* statement;          ///< as the reference has it
  std::vector<std::string> keys;  ///< what it reads; it is silent where one of them has a problem
  void (*check)(const Case&);
  bool of_formats_in_use = false;
};

/// Of what a model needs, and has no use for.
std::vector<Rule> model_rules();

}  // namespace gainsweep::spec
