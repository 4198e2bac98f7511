#include "cli/activity.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>

namespace gainsweep::cli {
namespace {

std::filesystem::path ranks_folder(const std::filesystem::path& folder) {
  return folder / "ranks";
}

Activity to_activity(const nlohmann::json& json) {
  return {json.at("rank"),   json.at("host"),         json.at("process"),    json.at("stage"),
          json.at("unit"),   json.at("unit_seconds"), json.at("stage_over"), json.at("done"),
          json.at("failed"), json.at("updated")};
}

}  // namespace

void forget_activities(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(ranks_folder(folder), ignored);
  std::filesystem::create_directories(ranks_folder(folder), ignored);
}

void write(const std::filesystem::path& folder, const Activity& activity) noexcept {
  try {
    const nlohmann::json json{{"rank", activity.rank},
                              {"host", activity.host},
                              {"process", activity.process},
                              {"stage", activity.stage},
                              {"unit", activity.unit},
                              {"unit_seconds", activity.unit_seconds},
                              {"stage_over", activity.stage_over},
                              {"done", activity.done},
                              {"failed", activity.failed},
                              {"updated", activity.updated}};
    const auto path = ranks_folder(folder) / (std::to_string(activity.rank) + ".json");
    auto temporary = path;
    temporary += ".tmp";
    std::ofstream stream(temporary);
    stream << json.dump() << "\n";
    stream.close();
    std::error_code ignored;
    if (stream) std::filesystem::rename(temporary, path, ignored);
  } catch (const std::exception&) {
  }
}

std::vector<Activity> read_activities(const std::filesystem::path& folder) {
  std::vector<Activity> activities;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(ranks_folder(folder), code)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream stream(entry.path());
    const auto json = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
    try {
      activities.push_back(to_activity(json));
    } catch (const nlohmann::json::exception&) {
    }
  }
  std::sort(activities.begin(), activities.end(),
            [](const auto& a, const auto& b) { return a.rank < b.rank; });
  return activities;
}

double unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

}  // namespace gainsweep::cli
