#include "job/standing.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "archive/field.hpp"
#include "archive/parts.hpp"
#include "batch/unit.hpp"
#include "disk/lock.hpp"
#include "job/store.hpp"

namespace gainsweep::job {
namespace {

void count_stored(const std::filesystem::path& folder, Standing& standing) {
  std::set<std::string> done;
  std::map<std::string, archive::Record> failures;
  for (auto& record : archive::read_parts(folder).records) {
    if (record.table == batch::failures)
      failures.insert_or_assign(record.key, std::move(record));
    else if (record.table != ended_units)
      done.insert(record.key);
  }
  for (const auto& called_for : standing.ledger.stages) {
    auto& count = standing.stages.emplace_back();
    count.stage = called_for.stage;
    count.called_for = called_for.units.size();
    count.may_come = called_for.may_come;
    for (const auto& key : called_for.units) {
      const auto failure = failures.find(key);
      if (done.count(key)) {
        ++count.done;
      } else if (failure != failures.end()) {
        ++count.failed;
        const auto& fields = failure->second.fields;
        standing.failures.push_back(
            {archive::texts(fields, "label").at(0), archive::texts(fields, "reason").at(0)});
      }
    }
  }
}

// Units over in the running stage come from the ranks: parts tell of them up to 20 s later.
void estimate_rest(Standing& standing) {
  const auto& ledger = standing.ledger;
  const auto running = std::find_if(standing.stages.begin(), standing.stages.end(),
                                    [&](const auto& count) { return count.stage == ledger.stage; });
  if (running == standing.stages.end()) return;
  auto& count = *running;
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

}  // namespace gainsweep::job
