#include "job/ledger.hpp"

#include <ctime>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "digest/digest.hpp"
#include "disk/file.hpp"
#include "disk/replace.hpp"

namespace gainsweep::job {
namespace {
constexpr const char* file_name = "run.json";
}

void write(const std::filesystem::path& folder, const Ledger& ledger) {
  auto stages = nlohmann::json::array();
  for (const auto& called_for : ledger.stages)
    stages.push_back({{"name", called_for.stage},
                      {"units", called_for.units},
                      {"may_come", called_for.may_come},
                      {"left_out", called_for.left_out}});
  const nlohmann::json json{{"name", ledger.name},
                            {"started", ledger.started},
                            {"finished", ledger.finished},
                            {"asked", ledger.asked},
                            {"archive", ledger.archive},
                            {"points", ledger.points},
                            {"point", ledger.point},
                            {"parameters", ledger.parameters},
                            {"stage", ledger.stage},
                            {"stage_started", ledger.stage_started},
                            {"stage_over", ledger.stage_over},
                            {"stages", std::move(stages)},
                            {"remarks", ledger.remarks}};
  disk::replace(folder / file_name,
                json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
                disk::Durability::passing);
}

Ledger read_ledger(const std::filesystem::path& folder) {
  const auto path = folder / file_name;
  if (!disk::is_there(path))
    throw Error(ErrorKind::input, path.string() + " is not there, so " + folder.string() +
                                      " holds no run. Give the folder of 'gainsweep run --out'.");
  try {
    const auto json = nlohmann::json::parse(disk::read_text(path));
    Ledger ledger;
    json.at("name").get_to(ledger.name);
    json.at("started").get_to(ledger.started);
    json.at("finished").get_to(ledger.finished);
    json.at("asked").get_to(ledger.asked);
    json.at("archive").get_to(ledger.archive);
    json.at("points").get_to(ledger.points);
    json.at("point").get_to(ledger.point);
    json.at("parameters").get_to(ledger.parameters);
    json.at("stage").get_to(ledger.stage);
    json.at("stage_started").get_to(ledger.stage_started);
    json.at("stage_over").get_to(ledger.stage_over);
    for (const auto& stage : json.at("stages"))
      ledger.stages.push_back(
          {stage.at("name"), stage.at("units"), stage.at("may_come"), stage.at("left_out")});
    json.at("remarks").get_to(ledger.remarks);
    return ledger;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::input, path.string() + " is damaged (" + error.what() +
                                      "). Delete it; the next run writes it anew.");
  }
}

bool is_done(const std::filesystem::path& folder, const std::string& asked) {
  try {
    const auto ledger = read_ledger(folder);
    return ledger.asked == asked && !ledger.archive.empty() &&
           digest::of_file(folder / "archive.h5") == ledger.archive;
  } catch (const Error&) {
    return false;  // no run yet, or one of another program
  }
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace gainsweep::job
