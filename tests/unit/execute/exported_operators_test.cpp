// What the front end of exported models says of operators against the dispatcher's own schemas.

#include <gtest/gtest.h>

#include "execute/operators.hpp"
#include "exported/operators.hpp"

namespace gainsweep::execute {
namespace {

TEST(ExportedOperators, HaveTheArgumentsOfTheirSchemas) {
  for (const auto& known : exported::operators()) {
    const auto& formals = find_operator(known.name).schema().arguments();
    ASSERT_LE(known.arguments.size(), formals.size()) << known.name;
    for (std::size_t i = 0; i < known.arguments.size(); ++i)
      EXPECT_EQ(known.arguments[i], formals[i].name()) << known.name << ", argument " << i;
  }
}

}  // namespace
}  // namespace gainsweep::execute
