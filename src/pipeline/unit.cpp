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

bool succeeded(const Results& results, const Unit& unit) {
  const auto found = results.find(unit.key);
  return found != results.end() && found->second.table != failures;
}

}  // namespace gainsweep::pipeline
