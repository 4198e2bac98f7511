#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "archive/parts.hpp"
#include "base/error.hpp"
#include "cli/command.hpp"
#include "cli/ledger.hpp"
#include "pipeline/field.hpp"
#include "pipeline/unit.hpp"

namespace gainsweep::cli {
namespace {

struct StageCount {
  std::size_t called_for = 0, done = 0, failed = 0;
};

struct Failure {
  std::string label, reason;
};

struct Status {
  Ledger ledger;
  bool running = false;
  std::map<std::string, StageCount> stages;
  std::vector<Failure> failures;
};

bool is_locked(const std::filesystem::path& folder) {
  try {
    const archive::FolderLock lock(folder);
    return false;
  } catch (const Error&) {
    return true;
  }
}

Status read_status(const std::filesystem::path& folder) {
  Status status{read_ledger(folder)};
  status.running = is_locked(folder);
  std::set<std::string> done;
  std::map<std::string, archive::Record> failures;
  for (auto& record : archive::read_parts(folder).records) {
    if (record.table == "failures")
      failures.insert_or_assign(record.key, std::move(record));
    else
      done.insert(record.key);
  }
  for (const auto& [stage, units] : status.ledger.units) {
    auto& count = status.stages[stage];
    count.called_for = units.size();
    for (const auto& key : units) {
      const auto failure = failures.find(key);
      if (done.count(key)) {
        ++count.done;
      } else if (failure != failures.end()) {
        ++count.failed;
        const auto& fields = failure->second.fields;
        status.failures.push_back(
            {pipeline::texts(fields, "label").at(0), pipeline::texts(fields, "reason").at(0)});
      }
    }
  }
  return status;
}

std::string state(const Status& status) {
  if (status.running) return "running";
  return status.ledger.finished.empty() ? "stopped before its end" : "finished";
}

nlohmann::json to_json(const Status& status) {
  nlohmann::json json{{"name", status.ledger.name},
                      {"state", state(status)},
                      {"started", status.ledger.started},
                      {"finished", status.ledger.finished},
                      {"failures", nlohmann::json::array()}};
  for (const auto& [stage, count] : status.stages)
    json["stages"][stage] = {
        {"called_for", count.called_for}, {"done", count.done}, {"failed", count.failed}};
  for (const auto& failure : status.failures)
    json["failures"].push_back({{"unit", failure.label}, {"reason", failure.reason}});
  return json;
}

void print(const Status& status) {
  std::cout << status.ledger.name << ": " << state(status) << ", started " << status.ledger.started;
  if (!status.ledger.finished.empty()) std::cout << ", finished " << status.ledger.finished;
  std::cout << "\n\nstage     done  failed  left\n";
  for (const auto stage :
       {pipeline::Stage::observe, pipeline::Stage::score, pipeline::Stage::latency,
        pipeline::Stage::solve, pipeline::Stage::evaluate}) {
    const auto found = status.stages.find(name(stage));
    if (found == status.stages.end()) continue;
    const auto& count = found->second;
    const auto over = count.done + count.failed;
    std::cout << std::left << std::setw(8) << name(stage) << std::right << std::setw(6)
              << count.done << std::setw(8) << count.failed << std::setw(6)
              << (count.called_for > over ? count.called_for - over : 0) << "\n";
  }
  for (const auto& failure : status.failures)
    std::cout << "\nfailed: " << failure.label << "\n  " << failure.reason << "\n";
}

}  // namespace

int status(const std::filesystem::path& folder, bool json) {
  const auto status = read_status(folder);
  if (json)
    std::cout << to_json(status).dump(2) << "\n";
  else
    print(status);
  return 0;
}

}  // namespace gainsweep::cli
