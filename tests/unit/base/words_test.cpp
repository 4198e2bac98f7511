#include "base/words.hpp"

#include <gtest/gtest.h>

#include "unit/throws.hpp"

namespace gainsweep {
namespace {

enum class Colour { red, green, secret };

constexpr auto words(Colour) {
  return std::to_array<Word<Colour>>({{Colour::red, "red"}, {Colour::green, "green"}});
}

TEST(Words, GoFromValueToTextToValue) {
  EXPECT_EQ(enumerators<Colour>(), (std::vector{Colour::red, Colour::green}));
  EXPECT_STREQ(spelling(Colour::green), "green");
  EXPECT_EQ(enumerator<Colour>("green"), Colour::green);
  EXPECT_EQ(spellings(enumerators<Colour>()), (std::vector<std::string>{"red", "green"}));
}

TEST(Words, ThatThereAreNotAreRefusedWithAHint) {
  EXPECT_THAT([] { enumerator<Colour>("gren"); },
              throws(ErrorKind::config, "'gren' is not one of red, green. Did you mean 'green'?"));
  EXPECT_THAT([] { enumerator<Colour>("mauve"); },
              throws(ErrorKind::config, "'mauve' is not one of red, green. Write one of them."));
  EXPECT_THAT([] { enumerator<Colour>("secret"); }, throws(ErrorKind::config, "'secret'"));
}

TEST(Words, ThatAValueLacksAreAFaultOfTheProgram) {
  EXPECT_THAT([] { spelling(Colour::secret); },
              throws(ErrorKind::internal, "without a spelling (value 2)"));
}

}  // namespace
}  // namespace gainsweep
