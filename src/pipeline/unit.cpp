#include "pipeline/unit.hpp"

#include "pipeline/field.hpp"

namespace gainsweep::pipeline {
namespace {
constexpr const char* failures = "failures";
}

const char* name(Stage stage) {
  switch (stage) {
    case Stage::observe:
      return "observe";
    case Stage::score:
      return "score";
    case Stage::latency:
      return "latency";
    case Stage::solve:
      return "solve";
    case Stage::evaluate:
      return "evaluate";
  }
  return "";
}

archive::Record failure(const Unit& unit, const std::string& reason) {
  return {failures,
          unit.nature,
          unit.key,
          unit.order,
          {texts("stage", {name(unit.stage)}, {}, "Stage of the failed unit"),
           texts("label", {unit.label}, {}, "What the unit was to do"),
           texts("reason", {reason}, {}, "Why it failed")}};
}

archive::Record asked_by(const Unit& unit, archive::Record record) {
  if (record.table == failures) {
    // The reason begins with the label, which counts plans and sub-graphs of one point.
    auto reason = texts(record.fields, "reason").at(0);
    const auto& label = texts(record.fields, "label").at(0);
    if (reason.starts_with(label)) reason.replace(0, label.size(), unit.label);
    return failure(unit, reason);
  }
  record.table = unit.table;
  record.nature = unit.nature;
  record.key = unit.key;
  record.order = unit.order;
  return record;
}

bool succeeded(const Results& results, const Unit& unit) {
  const auto found = results.find(unit.key);
  return found != results.end() && found->second.table != failures;
}

}  // namespace gainsweep::pipeline
