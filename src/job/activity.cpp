#include "job/activity.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/error.hpp"
#include "disk/file.hpp"
#include "disk/replace.hpp"

namespace gainsweep::job {
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
    disk::replace(path, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                  disk::Durability::passing);
  } catch (const std::exception&) {
  }
}

std::vector<Activity> read_activities(const std::filesystem::path& folder) {
  std::vector<Activity> activities;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(ranks_folder(folder), code)) {
    if (entry.path().extension() != ".json") continue;
    try {
      activities.push_back(to_activity(nlohmann::json::parse(disk::read_text(entry.path()))));
    } catch (const nlohmann::json::exception&) {
    } catch (const Error&) {
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

}  // namespace gainsweep::job
