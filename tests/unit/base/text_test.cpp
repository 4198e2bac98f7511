#include "base/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>

namespace gainsweep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Text, NumbersAreAsShortAsTheyReadBack) {
  EXPECT_EQ(shortest(0), "0");
  EXPECT_EQ(shortest(-0.0), "-0");
  EXPECT_EQ(shortest(3), "3");
  EXPECT_EQ(shortest(0.1), "0.1");
  EXPECT_EQ(shortest(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(shortest(1e-7), "1e-07");
  EXPECT_EQ(shortest(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(shortest(std::numeric_limits<double>::denorm_min()), "5e-324");
  std::mt19937_64 bits(7);
  for (int i = 0; i < 1000; ++i) {
    const double number = std::ldexp(static_cast<double>(bits()), static_cast<int>(i) - 500);
    EXPECT_EQ(std::strtod(shortest(number).c_str(), nullptr), number);
  }
}

TEST(Text, JoinAndSplit) {
  const std::vector<std::string> three{"a", "", "c"};
  EXPECT_EQ(join(three), "a, , c");
  EXPECT_EQ(join(three, "\n"), "a\n\nc");
  EXPECT_EQ(join(std::vector<std::string>{}), "");
  EXPECT_EQ(join(
                std::vector{1, 2}, [](int n) { return std::to_string(n); }, "x"),
            "1x2");
  EXPECT_THAT(split("a\n\nc", '\n'), ElementsAre("a", "", "c"));
  EXPECT_THAT(split("a\nb\n", '\n'), ElementsAre("a", "b"));
  EXPECT_THAT(split("\n", '\n'), ElementsAre(""));
  EXPECT_THAT(split("", '\n'), IsEmpty());
}

TEST(Text, QuotedTextsFitALine) {
  EXPECT_EQ(quote("word"), "'word'");
  EXPECT_EQ(quote("two\nlines\x7F"), "'two lines '");
  EXPECT_EQ(quote("12345", 4), "'1234…'");
  EXPECT_EQ(quote("12ü5", 3), "'12…'");  // not inside a character
  EXPECT_EQ(quote("12ü5", 4), "'12ü…'");
}

TEST(Text, EscapedTextsReadBack) {
  EXPECT_EQ(escape("a \"b\" \\"), "\"a \\\"b\\\" \\\\\"");
}

}  // namespace
}  // namespace gainsweep
