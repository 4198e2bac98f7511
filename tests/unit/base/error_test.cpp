#include "base/error.hpp"

#include <gtest/gtest.h>

#include "base/id.hpp"

namespace gainsweep {
namespace {

TEST(Error, KeepsKindAndMessageWhenContextIsAdded) {
  for (const auto kind :
       {ErrorKind::config, ErrorKind::input, ErrorKind::environment, ErrorKind::internal}) {
    const auto outer = with_context(with_context(Error(kind, "no loss"), "op q"), "sample 3");
    EXPECT_EQ(outer.kind(), kind);
    EXPECT_STREQ(outer.what(), "sample 3: op q: no loss");
  }
}

TEST(Error, ExitCodesTellWhoMustAct) {
  EXPECT_EQ(exit_code(ErrorKind::config), 2);
  EXPECT_EQ(exit_code(ErrorKind::input), 2);
  EXPECT_EQ(exit_code(ErrorKind::environment), 1);
  EXPECT_EQ(exit_code(ErrorKind::internal), 1);
}

TEST(Closest, FindsMisspellings) {
  const std::vector<std::string> words{"time", "macs", "memory", "threshold"};
  EXPECT_EQ(closest("tiem", words), "time");
  EXPECT_EQ(closest("mac", words), "macs");
  EXPECT_EQ(closest("memroy", words), "memory");
  EXPECT_EQ(closest("tresholds", words), "threshold");
  EXPECT_EQ(closest("memory", words), "memory");
}

TEST(Closest, IsSilentWhereNothingIsClose) {
  EXPECT_EQ(closest("perplexity", {"time", "macs"}), "");
  EXPECT_EQ(closest("time", {}), "");
  EXPECT_EQ(closest("", {"time"}), "");
  // Two edits of a short word are still close, three are not.
  EXPECT_EQ(closest("abcd", {"abxx"}), "abxx");
  EXPECT_EQ(closest("abcd", {"axxx"}), "");
}

TEST(Closest, TakesTheFirstOfEquallyCloseOnes) {
  EXPECT_EQ(closest("bat", {"cat", "hat"}), "cat");
}

TEST(Id, OrdersByIndexAndDoesNotMixKinds) {
  EXPECT_LT(OpId{1}, OpId{2});
  EXPECT_EQ(high_format, FormatId{});
  static_assert(!std::is_convertible_v<OpId, FormatId>);
}

}  // namespace
}  // namespace gainsweep
