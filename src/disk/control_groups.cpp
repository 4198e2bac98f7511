#include "disk/control_groups.hpp"

#include <fstream>
#include <sstream>

namespace gainsweep::disk {
namespace {

namespace fs = std::filesystem;

bool names(const std::string& controllers, const std::string& controller) {
  std::istringstream words(controllers);
  for (std::string word; std::getline(words, word, ',');)
    if (word == controller) return true;
  return false;
}

}  // namespace

std::vector<ControlGroup> control_groups(const std::string& controller, const fs::path& root) {
  std::vector<ControlGroup> groups;
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {  // number:controllers:path
    const auto first = line.find(':');
    const auto second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const bool second_version = controllers.empty();
    if (!second_version && !names(controllers, controller)) continue;
    fs::path folder = root / "sys/fs/cgroup" / (second_version ? "" : controller);
    groups.push_back({folder, second_version});
    for (const auto& part : fs::path(line.substr(second + 1)).relative_path()) {
      folder /= part;
      groups.push_back({folder, second_version});
    }
  }
  return groups;
}

}  // namespace gainsweep::disk
