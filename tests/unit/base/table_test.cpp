#include "base/table.hpp"

#include <gtest/gtest.h>

#include "unit/throws.hpp"

namespace gainsweep {
namespace {

struct Shape {
  std::string name;
  int corners = 0;
};

TEST(Table, FindsRowsByNameInTheirOrder) {
  Table<Shape> shapes{{"circle", 0}, {"triangle", 3}};
  const Shape& circle = shapes.at("circle");
  shapes.add({"square", 4});
  EXPECT_EQ(shapes.names(), (std::vector<std::string>{"circle", "triangle", "square"}));
  EXPECT_EQ(shapes.at("square").corners, 4);
  EXPECT_EQ(&shapes.at("circle"), &circle);
  EXPECT_TRUE(shapes.contains("triangle"));
}

TEST(Table, RefusesNamesThatItLacksWithAHint) {
  const Table<Shape> shapes{{"circle", 0}, {"triangle", 3}};
  EXPECT_FALSE(shapes.contains("tringle"));
  EXPECT_ERROR(shapes.at("tringle"), ErrorKind::config,
               "'tringle' is not one of circle, triangle. Did you mean 'triangle'?");
}

}  // namespace
}  // namespace gainsweep
