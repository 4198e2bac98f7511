#include "archive/table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/error.hpp"
#include "sample.hpp"
#include "unit/throws.hpp"

namespace gainsweep::archive {
namespace {

void expect_equal(const Record& a, const Record& b) {
  EXPECT_EQ(a.table, b.table);
  EXPECT_EQ(a.nature, b.nature);
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.order, b.order);
  EXPECT_EQ(a.fields, b.fields);
}

TEST(Stack, RowsAreTheRecordsInOrderWhateverTheirArrival) {
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < 50; ++i) records.push_back(sample::record(3 * i));
  std::shuffle(records.begin(), records.end(), std::mt19937_64(1));
  records.push_back({"times", Nature::measured, sample::key(9), 9, {}});
  const std::vector<Table> tables = stack(records);
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[0].path, "scores");
  EXPECT_EQ(tables[0].fields[0].name, "unit_key");
  EXPECT_EQ(tables[0].fields[1].name, "unit_order");
  EXPECT_EQ(tables[0].fields[2].shape, (std::vector<std::size_t>{50, 3}));
  EXPECT_EQ(tables[0].fields[2].axes, (std::vector<std::string>{"unit", "op"}));
  for (std::uint64_t i = 0; i < 50; ++i) expect_equal(row(tables[0], i), sample::record(3 * i));
  EXPECT_EQ(row(tables[1], 0).order, 9U);
  EXPECT_EQ(tables[1].nature, Nature::measured);
}

TEST(Stack, TiesAreOrderedByKey) {
  Record second = sample::record(1);
  second.key = sample::key(0);
  const std::vector<Table> tables = stack({sample::record(1), second});
  EXPECT_EQ(row(tables[0], 0).key, sample::key(0));
}

TEST(Stack, RefusesRecordsThatDisagree) {
  Record other = sample::record(1);
  other.fields[0].shape = {1, 3};
  other.fields[0].axes = {"a", "op"};
  EXPECT_ERROR(stack({sample::record(0), other}), ErrorKind::internal, "scores");
  other = sample::record(1);
  other.fields.pop_back();
  EXPECT_ERROR(stack({sample::record(0), other}), ErrorKind::internal, "scores");
  other = sample::record(1);
  std::get<std::vector<double>>(other.fields[0].values).pop_back();
  EXPECT_ERROR(stack({sample::record(0), other}), ErrorKind::internal, "scores");
}

TEST(Row, RefusesWhatIsNoTableOfUnits) {
  const Contents contents = sample::small();
  EXPECT_ERROR(row(table(contents, "ops"), 0), ErrorKind::input, "has no field 'unit_key'");
  EXPECT_ERROR(row(table(contents, "scores"), 2), ErrorKind::input, "has no row 2");
  EXPECT_EQ(row(table(contents, "scores"), 1).key, sample::key(2));
}

TEST(Table, NamesWhatIsThere) {
  const Contents contents = sample::small();
  try {
    table(contents, "sores");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_STREQ(error.what(),
                 "there is no table 'sores' (tables: ops, scores, empty, edge/cases, "
                 "latency/class_0)");
  }
  try {
    field(table(contents, "ops"), "flops");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "table 'ops' has no field 'flops' (fields: op, macs)");
  }
}

TEST(Field, EqualityIsBitwise) {
  const Field nan{"x", std::vector<double>{std::numeric_limits<double>::quiet_NaN()}, {}, "", "",
                  {}};
  Field negative = nan;
  negative.values = std::vector<double>{-0.0};
  Field zero = nan;
  zero.values = std::vector<double>{0.0};
  EXPECT_TRUE(nan == nan);
  EXPECT_FALSE(negative == zero);
}

}  // namespace
}  // namespace gainsweep::archive
