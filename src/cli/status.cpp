#include <unistd.h>

#include <chrono>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "job/progress.hpp"
#include "job/standing.hpp"

namespace gainsweep::cli {
namespace {

using job::Activity, job::Ledger, job::Standing, job::duration, job::unix_seconds;

std::string state(const Standing& standing) {
  if (standing.running) return "running";
  return standing.ledger.finished.empty() ? "stopped before its end" : "finished";
}

nlohmann::json to_json(const Activity& rank) {
  return {{"rank", rank.rank},
          {"host", rank.host},
          {"process", rank.process},
          {"stage", rank.stage},
          {"unit", rank.unit},
          {"unit_seconds", rank.unit_seconds},
          {"done", rank.done},
          {"failed", rank.failed},
          {"seconds_ago", unix_seconds() - rank.updated}};
}

nlohmann::json to_json(const Standing& standing) {
  nlohmann::json json{{"name", standing.ledger.name},        {"state", state(standing)},
                      {"started", standing.ledger.started},  {"finished", standing.ledger.finished},
                      {"failures", nlohmann::json::array()}, {"ranks", nlohmann::json::array()}};
  if (standing.ledger.points > 1) {
    json["points"] = standing.ledger.points;
    json["point"] = standing.ledger.point;
    json["parameters"] = standing.ledger.parameters;
  }
  for (const auto& count : standing.stages)
    json["stages"][count.stage] = {{"called_for", count.called_for},
                                   {"may_come", count.may_come},
                                   {"done", count.done},
                                   {"failed", count.failed},
                                   {"running", count.running},
                                   {"remaining", count.remaining()}};
  for (const auto& failure : standing.failures)
    json["failures"].push_back({{"unit", failure.unit}, {"reason", failure.reason}});
  json["remarks"] = standing.ledger.remarks;
  json["left_out"] = nlohmann::json::array();
  for (const auto& stage : standing.ledger.stages)
    for (const auto& what : stage.left_out)
      json["left_out"].push_back({{"stage", stage.stage}, {"reason", what}});
  for (const auto& rank : standing.ranks) json["ranks"].push_back(to_json(rank));
  if (standing.rate > 0) {
    json["running_stage"] = standing.ledger.stage;
    json["units_per_second"] = standing.rate;
    json["seconds_left"] = standing.seconds_left;
  }
  return json;
}

void print_stages(const Standing& standing) {
  std::cout << "\n\nstage       done  failed  running  remaining  may come\n";
  for (const auto& count : standing.stages)
    std::cout << std::left << std::setw(10) << count.stage << std::right << std::setw(6)
              << count.done << std::setw(8) << count.failed << std::setw(9) << count.running
              << std::setw(11) << count.remaining() << std::setw(10) << count.may_come << "\n";
  if (standing.rate > 0)
    std::cout << "\n"
              << standing.ledger.stage << ": " << std::setprecision(3) << standing.rate
              << " units/s, " << duration(standing.seconds_left)
              << " left for the units called for by now\n";
}

void print_ranks(const Standing& standing) {
  std::cout << "\n";
  for (const auto& rank : standing.ranks) {
    std::cout << "rank " << rank.rank << " on " << rank.host << ": " << rank.done << " done, "
              << rank.failed << " failed";
    if (standing.running && rank.unit.empty()) std::cout << ", waits";
    if (!rank.unit.empty())
      std::cout << (standing.running ? ", " : ", last at ") << rank.unit << " for "
                << duration(rank.unit_seconds);
    if (standing.running)
      std::cout << " (told " << duration(unix_seconds() - rank.updated) << " ago)";
    std::cout << "\n";
  }
}

std::string point_text(const Ledger& ledger) {
  if (ledger.point == ledger.points) return "all " + std::to_string(ledger.points) + " points";
  return "point " + std::to_string(ledger.point) + " of 0 to " + std::to_string(ledger.points - 1) +
         ": " + ledger.parameters;
}

void print(const Standing& standing) {
  const auto& ledger = standing.ledger;
  std::cout << ledger.name << ": " << state(standing) << ", started " << ledger.started;
  if (!ledger.finished.empty()) std::cout << ", finished " << ledger.finished;
  if (ledger.points > 1) std::cout << "\n" << point_text(ledger);
  print_stages(standing);
  print_ranks(standing);
  for (const auto& failure : standing.failures)
    std::cout << "\nfailed: " << failure.unit << "\n  " << failure.reason << "\n";
  for (const auto& stage : ledger.stages)
    for (const auto& what : stage.left_out)
      std::cout << "\n" << stage.stage << ": " << what << "\n";
  for (const auto& remark : ledger.remarks) std::cout << "\n" << remark << "\n";
}

void show(const Standing& standing, const StatusOptions& options) {
  if (options.json) {
    std::cout << to_json(standing).dump(options.follow ? -1 : 2, ' ', false,
                                        nlohmann::json::error_handler_t::replace)
              << "\n";
    return;
  }
  const bool redraws = options.follow && isatty(STDOUT_FILENO) == 1;
  if (redraws) std::cout << "\033[H\033[2J";
  print(standing);
}

}  // namespace

int status(const StatusOptions& options) {
  using Clock = std::chrono::steady_clock;
  for (;;) {
    const auto start = Clock::now();
    const auto standing = job::read_standing(options.folder);
    show(standing, options);
    finish_output();  // each time: nobody may read it any more
    if (!options.follow || !standing.running) return 0;
    // Reading a large run again and again must not take a core from it.
    std::this_thread::sleep_for(
        std::max<Clock::duration>(std::chrono::seconds(2), 20 * (Clock::now() - start)));
  }
}

}  // namespace gainsweep::cli
