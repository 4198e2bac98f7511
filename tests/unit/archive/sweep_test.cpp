#include "archive/sweep.hpp"

#include <gtest/gtest.h>

#include <random>

#include "archive/archive.hpp"
#include "archive/layout.hpp"
#include "archive/ranges.hpp"
#include "base/error.hpp"
#include "sample.hpp"
#include "unit/throws.hpp"

namespace gainsweep::archive {
namespace {

/// One unit's record; its content follows from its number and width.
Record unit(const std::string& table, Nature nature, std::uint64_t number, std::size_t width,
            std::uint64_t order) {
  std::vector<double> values(width, static_cast<double>(number) / 3);
  return {table,
          nature,
          sample::key(number + 1000 * width),
          order,
          {{"value", values, {width}, "nat", "Values", {"op"}}}};
}

Table plain_table(const std::string& path, std::vector<std::int64_t> values) {
  const auto count = values.size();
  return {path,
          "Rows without units",
          Nature::deterministic,
          {{"gain", std::move(values), {count}, "ns", "Gain", {"row"}}}};
}

/// What one point of a made-up sweep found: it shares units, whole tables and neither with others.
std::vector<Table> made_up(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  const std::size_t width = 2 + below(2);
  std::vector<Record> records;
  for (std::uint64_t order = 0; order < 2 + below(4); ++order) {
    records.push_back(unit("scores", Nature::deterministic, below(3) + 10 * order, width, order));
    records.push_back(unit("latency/class_0", Nature::measured, below(2), 3, order));
  }
  auto tables = stack(std::move(records));
  tables.push_back(plain_table("ops", std::vector<std::int64_t>(width, 7)));
  tables.push_back(plain_table("gains/macs", {1, static_cast<std::int64_t>(below(3))}));
  return tables;
}

struct Sweep {
  std::vector<Contents> alone;  // by point
  Contents together;
};

Sweep make_sweep(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Sweep sweep;
  Gathering gathering;
  for (std::size_t point = 0; point < 1 + seed % 7; ++point) {
    const auto number = std::to_string(point);
    const auto tables = made_up(random);
    gathering.add({{{"seed", number}}, {{"spec_resolved", "seed: " + number}}, tables});
    sweep.alone.push_back(
        {{{"name", "made up"}, {"spec_resolved", "seed: " + number}}, {{"host", "h"}}, tables});
  }
  sweep.together = {{{"name", "made up"}}, {{"host", "h"}}, std::move(gathering).finish()};
  return sweep;
}

std::size_t rows_of(const Contents& contents, const std::string& path) {
  return table(contents, path).fields.front().shape.at(0);
}

TEST(Gathering, GivesEveryPointBackAsItWasAlone) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto sweep = make_sweep(seed);
    ASSERT_EQ(num_points(sweep.together), sweep.alone.size());
    for (std::size_t point = 0; point < sweep.alone.size(); ++point)
      ASSERT_EQ(sample::all_differences(select(sweep.together, point), sweep.alone[point]), "")
          << "seed " << seed << ", point " << point;
  }
}

TEST(Gathering, SurvivesTheArchive) {
  const sample::Folder folder;
  const auto sweep = make_sweep(6);
  write(folder / "archive.h5", sweep.together);
  const auto read_back = read(folder / "archive.h5");
  for (std::size_t point = 0; point < sweep.alone.size(); ++point)
    EXPECT_EQ(sample::all_differences(select(read_back, point), sweep.alone[point]), "");
}

TEST(Gathering, StoresWhatPointsShareOnce) {
  Gathering gathering;
  for (int point = 0; point < 5; ++point) {
    std::vector<Record> records;
    for (std::uint64_t i = 0; i < 4; ++i)
      records.push_back(unit("scores", Nature::deterministic, i, 2, i));
    auto tables = stack(std::move(records));
    tables.push_back(plain_table("ops", {1, 2}));
    tables.push_back(plain_table("gains/macs", {point / 3}));
    gathering.add({{}, {}, std::move(tables)});
  }
  const Contents contents{{}, {}, std::move(gathering).finish()};
  EXPECT_EQ(rows_of(contents, "scores"), 4u);
  EXPECT_EQ(rows_of(contents, "ops"), 2u);
  EXPECT_EQ(rows_of(contents, "gains/macs"), 2u);
  EXPECT_EQ(
      std::get<std::vector<std::string>>(field(table(contents, "gains/macs"), "points").values),
      (std::vector<std::string>{"0-2", "3-4"}));
  EXPECT_EQ(unit_records(contents).size(), 4u);
}

TEST(Gathering, KeepsRowsOfOtherExtentsApart) {
  Gathering gathering;
  for (std::size_t width : {2, 3, 2})
    gathering.add({{}, {}, stack({unit("scores", Nature::deterministic, 1, width, 0)})});
  const Contents contents{{}, {}, std::move(gathering).finish()};
  EXPECT_EQ(rows_of(contents, "scores"), 1u);
  EXPECT_EQ(rows_of(contents, "variants/1/scores"), 1u);
  EXPECT_EQ(field(table(select(contents, 1), "scores"), "value").shape,
            (std::vector<std::size_t>{1, 3}));
  for (const auto& record : unit_records(contents)) EXPECT_EQ(record.table, "scores");
}

TEST(Select, RefusesPointsThatAreNotThere) {
  const auto sweep = make_sweep(3);
  EXPECT_ERROR(select(sweep.together, sweep.alone.size()), ErrorKind::input, "there is no point");
  EXPECT_ERROR(select(sample::small(), 0), ErrorKind::input, "there is no table 'points'");
}

/// Kind of the error of taking a point and the units out of contents, "none" without one.
std::string outcome(const Contents& contents) {
  try {
    select(contents, 0);
    unit_records(contents);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::input ? error.what() : "wrong kind";
  }
  return "none";
}

// A sealed archive may come from another program.
TEST(Select, RefusesTablesWhoseFieldsHaveOtherRows) {
  const auto sound = make_sweep(3).together;
  ASSERT_EQ(outcome(sound), "none");
  for (std::size_t t = 0; t < sound.tables.size(); ++t) {
    if (sound.tables[t].path == "parameters") continue;
    for (std::size_t f = 0; f < sound.tables[t].fields.size(); ++f) {
      auto longer = sound;
      Field& field = longer.tables[t].fields[f];
      const auto row = value_count(field.values) / field.shape.front();
      ++field.shape.front();
      std::visit([&](auto& values) { values.resize(values.size() + row); }, field.values);
      EXPECT_NE(outcome(longer).find("have different rows"), std::string::npos) << outcome(longer);
      auto scalar = sound;
      scalar.tables[t].fields[f] = {field.name, std::vector<std::int64_t>{1}, {}, "", "", {}};
      const auto refused = outcome(scalar);
      EXPECT_TRUE(refused != "none" && refused != "wrong kind") << refused;
    }
  }
}

TEST(Select, RefusesTwoTablesOfOnePathAtOnePoint) {
  auto contents = make_sweep(3).together;
  const auto& scores = table(contents, "scores");
  auto variant = scores;
  variant.path = "variants/9/scores";
  contents.tables.push_back(std::move(variant));
  EXPECT_NE(outcome(contents).find("it comes twice"), std::string::npos);
}

TEST(Ranges, AreReadBack) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 1000; ++round) {
    std::vector<std::size_t> numbers{random() % 3};
    while (random() % 5 != 0) numbers.push_back(numbers.back() + 1 + (random() % 3 == 0 ? 4 : 0));
    EXPECT_EQ(parse_ranges(ranges_text(numbers), numbers.back() + 1), numbers);
    EXPECT_ERROR(parse_ranges(ranges_text(numbers), numbers.back()), ErrorKind::input, "");
  }
  EXPECT_EQ(ranges_text({0, 1, 2, 3, 7}), "0-3,7");
}

TEST(Ranges, RefuseEverythingElse) {
  for (const auto* text : {"", ",", "1,", "2,1", "1-1", "2-1", "a", "1 ,2", "-1", "1-", "1,1",
                           "0-99999999", "18446744073709551616"})
    EXPECT_ERROR(parse_ranges(text, 1000), ErrorKind::input, "") << text;
}

}  // namespace
}  // namespace gainsweep::archive
