#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "files.hpp"
#include "spec/read.hpp"

namespace gainsweep::spec {
namespace {

/// Every file of tests/specs is wrong, and `NAME.expected` beside it has the whole message.
class WrongSpec : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(WrongSpec, IsRefusedWithAllItsProblems) {
  auto expected = GetParam();
  expected.replace_extension(".expected");
  ASSERT_TRUE(std::filesystem::exists(expected)) << expected;
  try {
    read(testing::text_of(GetParam()), GetParam().filename().string());
    ADD_FAILURE() << GetParam() << " was taken for a sound spec";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_EQ(std::string(error.what()) + "\n", testing::text_of(expected));
  }
}

INSTANTIATE_TEST_SUITE_P(Specs, WrongSpec, ::testing::ValuesIn(testing::specs_in("tests/specs")),
                         [](const auto& test) { return test.param.stem().string(); });

std::string refusal_of(const std::filesystem::path& path) {
  try {
    load_points(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.what();
  }
  return "";
}

TEST(Load, RefusesWhatIsNoFile) {
  EXPECT_EQ(refusal_of("no/such.yaml"),
            "no/such.yaml: no such file. Name the YAML file of a spec.");
  EXPECT_EQ(refusal_of("/"), "/: no regular file (a folder). Name the YAML file of a spec.");
  EXPECT_EQ(refusal_of("/dev/zero"),
            "/dev/zero: no regular file (a pipe or a device, which might never end). Name the YAML "
            "file of a spec.");
  EXPECT_THAT(refusal_of("/dev/fd/77"),
              ::testing::HasSubstr("/dev/fd/77: no such file (it is not "));
}

TEST(Load, NamesTheFileAsItWasGiven) {
  const auto path = testing::source_dir / "tests/specs/empty.yaml";
  EXPECT_TRUE(refusal_of(path).starts_with(path.string() + ":1: an empty file"))
      << refusal_of(path);
}

}  // namespace
}  // namespace gainsweep::spec
