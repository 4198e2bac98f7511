#include "config/scalar.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace gainsweep::config {
namespace {

TEST(Scalar, IntegersAreDecimalWithoutLeadingZeros) {
  EXPECT_EQ(parse_integer("0").value, 0);
  EXPECT_EQ(parse_integer("-12").value, -12);
  EXPECT_EQ(parse_integer("+7").value, 7);
  EXPECT_EQ(parse_integer("9223372036854775807").value, std::numeric_limits<std::int64_t>::max());
  for (const char* text : {"", "-", "+", "010", "00", "-01", "0x1F", "0o7", "1_000", "1.0", "1e3",
                           "9223372036854775808", ".nan", "--1", "+-1", " 1", "1 "}) {
    EXPECT_FALSE(parse_integer(text).value) << text;
    EXPECT_FALSE(parse_integer(text).complaint.empty()) << text;
  }
}

TEST(Scalar, RealsAreFiniteDecimals) {
  EXPECT_EQ(parse_real("1").value, 1.0);
  EXPECT_EQ(parse_real("-.5").value, -0.5);
  EXPECT_EQ(parse_real("+2.").value, 2.0);
  EXPECT_EQ(parse_real("1e-4").value, 1e-4);
  EXPECT_EQ(parse_real("1.5E+3").value, 1500.0);
  EXPECT_EQ(parse_real("0.0").value, 0.0);
  for (const char* text : {"", ".", "e5", "1e", "1e+", "01.5", "0x1p3", "1_0.0", ".nan", "-.INF",
                           "nan", "inf", "1e999", "1e-999", "1.2.3", "1,5", "+-1", "1 "}) {
    EXPECT_FALSE(parse_real(text).value) << text;
  }
}

TEST(Scalar, APercentageIsToldAsTheNumberThatItMeans) {
  EXPECT_EQ(parse_real("0.1%").complaint, "is a percentage, which stands for 0.001");
  EXPECT_EQ(parse_real("0.7 %").complaint, "is a percentage, which stands for 0.007");
  for (const char* text : {"%", "x%", "1e1%", "1%%", "-%"})
    EXPECT_EQ(parse_real(text).complaint, "is not a number") << text;
}

TEST(Scalar, PathsStartWhereTheySay) {
  const auto path = [](const std::string& text, const std::string& folder) {
    return full_path(text, folder).value.value_or("refused").string();
  };
  const auto here = std::filesystem::current_path().string();
  EXPECT_EQ(path("models/a", "specs"), "models/a");
  EXPECT_EQ(path("/models/a", "specs"), "/models/a");
  EXPECT_EQ(path("./a", "specs"), "specs/a");
  EXPECT_EQ(path("././/a", "./specs"), "specs/a");
  EXPECT_EQ(path("../a", "specs/deep"), "specs/deep/../a");
  EXPECT_EQ(path("./a", "/specs"), "/specs/a");
  EXPECT_EQ(path("./a", ""), "a");
  EXPECT_EQ(path("./a", "../specs"), here + "/../specs/a");
  EXPECT_EQ(path("../a", ""), here + "/../a");
  EXPECT_EQ(path(".hidden/a", "specs"), ".hidden/a");
  EXPECT_EQ(path("..a", "specs"), "..a");
  EXPECT_EQ(path("./~a", ""), here + "/~a");
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(path("~/a", "specs"), "/home/me/a");
  EXPECT_EQ(path("~you/a", "specs"), "refused");
  ::unsetenv("HOME");
  EXPECT_EQ(path("~/a", "specs"), "refused");
}

TEST(Scalar, APathMeansTheSameWhereverItIsWrittenAgain) {
  for (const char* text : {"a", "./a", "../a", ".", "..", "./~/a", "../../a/./b"})
    for (const char* folder : {"", ".", "..", "specs", "./specs", "../specs", "/specs"}) {
      const auto once = full_path(text, folder).value.value();
      EXPECT_EQ(full_path(once.string(), "elsewhere").value, once) << text << " in " << folder;
    }
}

TEST(Scalar, EveryDoubleSurvivesItsText) {
  std::mt19937_64 random{7};
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    EXPECT_EQ(parse_real(yaml_number(value)).value, value);
  }
  EXPECT_EQ(yaml_number(0.0001), "1.0e-04");
  EXPECT_EQ(yaml_number(1e-20), "1.0e-20");  // YAML 1.1 readers take 1e-20 for text
  EXPECT_EQ(yaml_number(0.1), "0.1");
}

TEST(Scalar, TextThatLooksLikeSomethingElseIsQuoted) {
  EXPECT_EQ(yaml_text("configs/models/embedded"), "configs/models/embedded");
  EXPECT_EQ(yaml_text("/data/a-b_c.h5"), "/data/a-b_c.h5");
  for (const char* text :
       {"", "~", "null", "Yes", "off", "12", "1e3", "0x1F", "1_000", "2001-01-01", "-1", ".5",
        "inf", ".NaN", "a b", "a: b", "#a", "layers.*.q", "é"}) {
    EXPECT_EQ(yaml_text(text), "\"" + std::string(text) + "\"");
  }
  EXPECT_EQ(yaml_text("a\"b\\c"), R"("a\"b\\c")");
}

}  // namespace
}  // namespace gainsweep::config
