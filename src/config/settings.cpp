#include "config/settings.hpp"

#include <algorithm>
#include <utility>

namespace gainsweep::config {
namespace {

constexpr const char* form = "Write --set PATH=VALUE, for example --set calibration.samples=16.";

int line_of(std::size_t place) {
  return -1 - static_cast<int>(place);
}

std::string path_of(const std::string& setting) {
  return setting.substr(0, setting.find('='));
}

/// Reports a setting without a path that keys of a spec could have.
bool is_sound(const std::string& setting, int line, Problems& problems) {
  const auto path = path_of(setting);
  const auto report = [&](const std::string& what) {
    problems.add(line, "", what + " " + form);
    return false;
  };
  if (path.size() == setting.size()) return report("no '=' (a setting is a key and its value).");
  const auto levels = 1 + static_cast<std::size_t>(std::count(path.begin(), path.end(), '.'));
  const bool has_gap = path.empty() || path.front() == '.' || path.back() == '.' ||
                       path.find("..") != std::string::npos;
  if (has_gap || levels > most_levels) return report("no path of a key before its '='.");
  return true;
}

}  // namespace

void apply(const std::vector<std::string>& settings, Node& document, Problems& problems) {
  for (std::size_t i = 0; i < settings.size(); ++i) {
    if (!is_sound(settings[i], line_of(i), problems)) continue;
    const auto path = path_of(settings[i]);
    const auto value = parse_value(settings[i].substr(path.size() + 1), line_of(i), path, problems);
    if (value) put(document, path, *value);
  }
}

void refuse_swept(const std::vector<std::string>& settings, const std::vector<Axis>& axes,
                  Problems& problems) {
  const auto swept = paths_of(axes);
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const auto path = path_of(settings[i]);
    for (const auto& leaf : swept) {
      if (leaf != path && !leaf.starts_with(path + ".")) continue;
      problems.add(line_of(i), path,
                   "'" + leaf +
                       "' is swept (each point has a value of its own). Set 'sweep' instead, or "
                       "remove the key from it.");
    }
  }
}

}  // namespace gainsweep::config
