#include "batch/experiment.hpp"

#include <set>

#include "archive/field.hpp"

namespace gainsweep::batch {
namespace {

// A stored record as the one of the unit that asks for it. A failure stays one, of this unit: its
// reason begins with a label, which counts plans and sub-graphs of whoever stored it.
archive::Record asked(const Unit& unit, const archive::Record& stored) {
  if (stored.table != failures) return record(unit, stored.fields);
  auto reason = archive::texts(stored.fields, "reason").at(0);
  const auto& label = archive::texts(stored.fields, "label").at(0);
  if (reason.starts_with(label)) reason.replace(0, label.size(), unit.label);
  return failure(unit, archive::texts(stored.fields, "stage").at(0), reason);
}

}  // namespace

std::vector<archive::Table> tables(const Experiment& experiment, const Results& results) {
  auto all = experiment.tables(results);
  std::vector<archive::Record> rows;
  std::set<std::string> seen;
  for (const auto& stage : experiment.stages)
    for (const auto& unit : stage.call(results).units) {
      if (!results.is_over(unit.key) || !seen.insert(unit.key).second) continue;
      auto record = asked(unit, results.stored(unit.key));
      if (unit.form == Form::row || record.table == failures)
        rows.push_back(std::move(record));
      else
        all.push_back({record.table, "One row per entry of " + record.table, record.nature,
                       std::move(record.fields)});
    }
  for (auto& table : archive::stack(std::move(rows))) all.push_back(std::move(table));
  return all;
}

}  // namespace gainsweep::batch
