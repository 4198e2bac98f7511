#include "cli/standing.hpp"

#include <set>

#include "archive/parts.hpp"
#include "disk/lock.hpp"
#include "pipeline/field.hpp"

namespace gainsweep::cli {
namespace {

void count_stored(const std::filesystem::path& folder, Standing& standing) {
  std::set<std::string> done;
  std::map<std::string, archive::Record> failures;
  for (auto& record : archive::read_parts(folder).records) {
    if (record.table == "failures")
      failures.insert_or_assign(record.key, std::move(record));
    else
      done.insert(record.key);
  }
  for (const auto& [stage, units] : standing.ledger.units) {
    auto& count = standing.stages[stage];
    count.called_for = units.size();
    for (const auto& key : units) {
      const auto failure = failures.find(key);
      if (done.count(key)) {
        ++count.done;
      } else if (failure != failures.end()) {
        ++count.failed;
        const auto& fields = failure->second.fields;
        standing.failures.push_back(
            {pipeline::texts(fields, "label").at(0), pipeline::texts(fields, "reason").at(0)});
      }
    }
  }
}

// Units over in the running stage come from the ranks: parts tell of them up to 20 s later.
void estimate_rest(Standing& standing) {
  const auto& ledger = standing.ledger;
  auto& count = standing.stages[ledger.stage];
  std::size_t over = 0;
  for (const auto& rank : standing.ranks) {
    if (rank.stage != ledger.stage) continue;
    over += rank.stage_over;
    if (!rank.unit.empty()) ++count.running;
  }
  const auto stored = count.done + count.failed;
  const auto counted = ledger.stage_over + over;
  if (counted > stored) count.done += std::min(counted, count.called_for) - stored;
  const double seconds = unix_seconds() - ledger.stage_started;
  if (over == 0 || seconds <= 0) return;
  standing.rate = static_cast<double>(over) / seconds;
  standing.seconds_left = static_cast<double>(count.remaining() + count.running) / standing.rate;
}

}  // namespace

Standing read_standing(const std::filesystem::path& folder) {
  Standing standing{read_ledger(folder)};
  standing.running = disk::is_locked(folder);
  standing.ranks = read_activities(folder);
  count_stored(folder, standing);
  if (standing.running && !standing.ledger.stage.empty()) estimate_rest(standing);
  return standing;
}

}  // namespace gainsweep::cli
