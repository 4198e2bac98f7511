#include "batch/experiment.hpp"

#include <gtest/gtest.h>

#include "archive/field.hpp"

namespace gainsweep::batch {
namespace {

using archive::Nature;

Unit unit(const std::string& key, const std::string& table, std::uint64_t order,
          Nature nature = Nature::deterministic) {
  Unit made;
  made.key = key;
  made.table = table;
  made.label = "unit " + key;
  made.order = order;
  made.nature = nature;
  return made;
}

Fields number(double value) {
  return {archive::reals("value", {value}, {}, "1", "A value")};
}

/// An experiment of one stage that calls for given units.
Experiment of(std::vector<Unit> units) {
  Experiment experiment;
  experiment.stages = {{"toy", [units](const Results&) { return Call{units}; }, {}}};
  experiment.tables = [](const Results& results) {
    const auto count = static_cast<std::int64_t>(results.size());
    return std::vector<archive::Table>{
        {"known",
         "What is known",
         Nature::deterministic,
         {archive::integers("count", {count}, {{"row", 1}}, "1", "Number of records")}}};
  };
  return experiment;
}

const archive::Table* find(const std::vector<archive::Table>& tables, const std::string& path) {
  for (const auto& table : tables)
    if (table.path == path) return &table;
  return nullptr;
}

TEST(Tables, HoldWhatTheStagesCallForAndNoMore) {
  Results results;
  for (const char* key : {"a", "b", "c"}) results.add(record(unit(key, "rows", 0), number(1)));
  const auto made = tables(
      of({unit("b", "rows", 1), unit("a", "rows", 0), unit("d", "rows", 2), unit("a", "rows", 5)}),
      results);
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[0].path, "known");
  EXPECT_EQ(archive::texts(made[1].fields, "unit_key"), (std::vector<std::string>{"a", "b"}));
}

// What a sweep's points share is stored by the first of them.
TEST(Tables, PlaceRecordsAsTheAskingUnitSays) {
  Results results;
  results.add(record(unit("a", "latency/class_1", 3, Nature::measured), number(1)));
  results.add(record(unit("b", "latency/class_0", 1, Nature::measured), number(2)));
  const auto made = tables(of({unit("b", "rows", 0), unit("a", "rows", 1)}), results);
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[1].path, "rows");
  EXPECT_EQ(made[1].nature, Nature::deterministic);
  EXPECT_EQ(archive::texts(made[1].fields, "unit_key"), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(archive::integers(made[1].fields, "unit_order"), (std::vector<std::int64_t>{0, 1}));
}

TEST(Tables, FailuresStayFailuresWithTheAskingUnitsPlace) {
  Results results;
  results.add(failure(unit("a", "rows", 3, Nature::measured), "toy", "why"));
  const auto made = tables(of({unit("a", "rows", 7)}), results);
  ASSERT_NE(find(made, failures), nullptr);
  EXPECT_EQ(find(made, failures)->nature, Nature::deterministic);
  EXPECT_EQ(archive::integers(find(made, failures)->fields, "unit_order").at(0), 7);
  EXPECT_EQ(archive::texts(find(made, failures)->fields, "label").at(0), "unit a");
}

TEST(Tables, AWholeTableIsTheRecordItself) {
  auto asking = unit("a", "frontier/macs", 0);
  asking.form = Form::table;
  Results results;
  const Fields fields{archive::reals("gain", {1, 2, 3}, {{"row", 3}}, "1", "Gains")};
  results.add(record(asking, fields));
  const auto made = tables(of({asking}), results);
  ASSERT_NE(find(made, "frontier/macs"), nullptr);
  EXPECT_EQ(find(made, "frontier/macs")->fields, fields);
}

}  // namespace
}  // namespace gainsweep::batch
