#include "batch/results.hpp"

#include <gtest/gtest.h>

#include "archive/field.hpp"
#include "batch/unit.hpp"

namespace gainsweep::batch {
namespace {

Ticket ticket(const std::string& key, const std::string& table) {
  return {key, table, "unit " + key};
}

archive::Record row(const std::string& key, const std::string& table, double value) {
  return record(ticket(key, table), {archive::reals("value", {value}, {}, "1", "A value")});
}

double value(const Results& results, const std::string& key) {
  return archive::reals(results.find(key)->fields, "value").at(0);
}

TEST(Results, KnowWhatIsMissingFinishedAndFailed) {
  Results results;
  results.add(row("a", "scores", 1));
  results.add(failure(ticket("b", "scores"), "score", "no memory"));
  EXPECT_NE(results.find("a"), nullptr);
  EXPECT_FALSE(results.failure("a"));
  EXPECT_EQ(results.find("b"), nullptr);
  EXPECT_EQ(results.failure("b"), "no memory");
  EXPECT_TRUE(results.is_over("b"));
  EXPECT_EQ(results.find("c"), nullptr);
  EXPECT_FALSE(results.failure("c"));
  EXPECT_FALSE(results.is_over("c"));
}

TEST(Results, AUnitThatSucceededOnceHasSucceeded) {
  Results results;
  results.add(failure(ticket("a", "scores"), "score", "no memory"));
  results.add(row("a", "scores", 1));
  results.add(failure(ticket("a", "scores"), "score", "no memory"));
  EXPECT_EQ(value(results, "a"), 1);
}

TEST(Results, ForgottenUnitsAreMissing) {
  Results results;
  results.add(row("a", "scores", 1));
  results.forget("a");
  results.forget("b");
  EXPECT_FALSE(results.is_over("a"));
}

TEST(Memo, IsMadeAgainOnlyWhenItsTablesChanged) {
  Results results;
  Memo<std::size_t> memo({"scores", failures});
  int made = 0;
  const auto get = [&] {
    return memo.get(results, [&] {
      ++made;
      return results.size();
    });
  };
  get();
  get();
  EXPECT_EQ(made, 1);
  results.add(row("a", "plans/macs/ip", 1));
  EXPECT_EQ(get(), 0u);
  EXPECT_EQ(made, 1);
  results.add(row("b", "scores/more", 1));
  EXPECT_EQ(get(), 2u);
  results.add(failure(ticket("c", "plans"), "planning", "why"));
  EXPECT_EQ(get(), 3u);
  results.add(row("c", "plans", 1));  // a failure that is none any more
  get();
  EXPECT_EQ(made, 4);
  results.forget("b");
  EXPECT_EQ(get(), 2u);
  EXPECT_EQ(made, 5);
}

}  // namespace
}  // namespace gainsweep::batch
