#include "exported/expression.hpp"

#include <gtest/gtest.h>

#include "unit/throws.hpp"

namespace gainsweep::exported {
namespace {

const Symbols symbols{{"s77", 6}, {"u0", 4}};

constexpr const char* batch = "Symbol('s77', positive=True, integer=True)";

std::int64_t value(const std::string& expression) {
  return evaluate(expression, symbols);
}

TEST(Expression, IsASympyTerm) {
  EXPECT_EQ(value(batch), 6);
  EXPECT_EQ(value("Integer(12)"), 12);
  EXPECT_EQ(value("Integer(-3)"), -3);
  EXPECT_EQ(value(std::string("Mul(Integer(2), ") + batch + ")"), 12);
  EXPECT_EQ(value(std::string("Add(Mul(Integer(2), ") + batch + "), Integer(1), Symbol('u0'))"),
            17);
  EXPECT_EQ(value(std::string("Pow(") + batch + ", Integer(3))"), 216);
  EXPECT_EQ(value(std::string("FloorDiv(Add(") + batch + ", Integer(-1)), Integer(2))"), 2);
  EXPECT_EQ(value(std::string("Mod(") + batch + ", Integer(4))"), 2);
  EXPECT_EQ(value(std::string("Max(Integer(1), ") + batch + ", Symbol('u0'))"), 6);
  EXPECT_EQ(value("Min(Symbol('s77'), Symbol('u0'))"), 4);
}

TEST(Expression, IsASymbolOrNot) {
  EXPECT_EQ(symbol_of(batch), "s77");
  EXPECT_EQ(symbol_of("Symbol('u0')"), "u0");
  EXPECT_EQ(symbol_of("Integer(3)"), "");
  EXPECT_EQ(symbol_of("Symbol('a"), "");
  EXPECT_EQ(symbol_of(std::string("Add(") + batch + ", Integer(1))"), "");
}

TEST(Expression, OfAnotherKindIsRefused) {
  const std::pair<std::string, const char*> wrong[] = {
      {"", "lacks a '('"},
      {"Integer(", "an Integer that is none"},
      {"Integer(99999999999999999999)", "an Integer that is none"},
      {"Integer(3", "lacks a ')'"},
      {"Integer(3) x", "more behind its end"},
      {"Symbol('other')", "depends on 'other'"},
      {"Symbol('s77", "lacks a '''"},
      {"Sin(Integer(3))", "unknown function 'Sin'"},
      {"Mul(Integer(9223372036854775807), Integer(2))", "no value among whole numbers"},
      {"Add(Integer(9223372036854775807), Integer(2))", "no value among whole numbers"},
      {"FloorDiv(Integer(3), Integer(0))", "no value among whole numbers"},
      {"Mod(Integer(3), Integer(0))", "no value among whole numbers"},
      {"Pow(Integer(2), Integer(70))", "no value among whole numbers"}};
  for (const auto& [expression, message] : wrong) {
    try {
      value(expression);
      ADD_FAILURE() << expression << " has a value";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
  }
  std::string deep = "Integer(1)";
  for (int i = 0; i < 100; ++i) deep = "Add(" + deep + ")";
  EXPECT_THROW(value(deep), Error);
}

}  // namespace
}  // namespace gainsweep::exported
