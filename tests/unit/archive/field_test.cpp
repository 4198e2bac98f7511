#include "archive/field.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

TEST(Fields, NameWhatIsAbsentOrOfAnotherType) {
  const std::vector<Field> fields{reals("loss", {1}, {}, "nat", "Loss")};
  EXPECT_EQ(reals(fields, "loss"), std::vector<double>{1});
  for (const auto& call : {+[](const std::vector<Field>& f) { integers(f, "loss"); },
                           +[](const std::vector<Field>& f) { reals(f, "gain"); }}) {
    try {
      call(fields);
      ADD_FAILURE() << "nothing was refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
    }
  }
}

}  // namespace
}  // namespace gainsweep::archive
