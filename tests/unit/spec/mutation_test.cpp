#include <gtest/gtest.h>

#include <random>

#include "base/error.hpp"
#include "files.hpp"
#include "spec/read.hpp"

namespace gainsweep::spec {
namespace {

/// Whatever the text, there is a spec that survives its own printing or one Error(config).
/// Returns whether there is a spec.
bool survives(const std::string& text) {
  try {
    const std::string first = resolved(read(text, "mutated.yaml"));
    EXPECT_EQ(resolved(read(first, "resolved.yaml")), first) << text;
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config) << text;
    EXPECT_TRUE(std::string(error.what()).starts_with("mutated.yaml:")) << error.what();
    return false;
  }
}

class Mutation : public ::testing::Test {
 protected:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  const std::string original_ = testing::text_of(testing::source_dir / "configs/embedded.yaml");
  std::mt19937 random_{20250513};
};

TEST_F(Mutation, AnyTruncationReadsOrIsRefused) {
  for (std::size_t size = 0; size <= original_.size(); ++size) survives(original_.substr(0, size));
}

TEST_F(Mutation, FlippedBytesReadOrAreRefused) {
  int sound = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = original_;
    for (std::size_t flips = 1 + below(3); flips > 0; --flips) {
      text[below(text.size())] = static_cast<char>(below(256));
    }
    sound += survives(text);
  }
  EXPECT_GT(sound, 0);  // some land in the comment or make another number
  EXPECT_LT(sound, 2000);
}

TEST_F(Mutation, SyntaxInAnyPlaceReadsOrIsRefused) {
  const std::string marks = "{}[]:,-?&*!|>'\"%@`#~ \n\t.0e";
  for (int i = 0; i < 4000; ++i) {
    std::string text = original_;
    for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
      const std::size_t at = below(text.size());
      if (below(2) == 0) {
        text.insert(at, 1, marks[below(marks.size())]);
      } else {
        text[at] = marks[below(marks.size())];
      }
    }
    survives(text);
  }
}

TEST_F(Mutation, MovedLinesReadOrAreRefused) {
  for (int i = 0; i < 1000; ++i) {
    const std::size_t from = below(original_.size());
    const std::size_t size = below(original_.size() - from);
    std::string text = original_;
    text.insert(below(text.size()), original_.substr(from, size));
    survives(text);
  }
}

/// Text that is short to write and long to work through for a careless reader.
TEST_F(Mutation, LongAndDeepTextsEnd) {
  constexpr std::size_t size = std::size_t{1} << 19;
  for (const std::string unit : {"[", "{", "- ", "? ", "a: ", "&a ", "!", "\"", "'", "\n", "#",
                                 "[a,", "{a: ", "|\n", "a\n", "%", ": ", "0"}) {
    std::string text;
    while (text.size() < size) text += unit;
    EXPECT_FALSE(survives(text)) << unit;
  }
  std::string keys;
  for (int i = 0; keys.size() < size; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  EXPECT_FALSE(survives(keys));
  EXPECT_FALSE(survives("threads: " + std::string(size, '9')));
  EXPECT_FALSE(survives("name: " + std::string(size, 'a')));
  EXPECT_FALSE(survives(std::string(3 * size, ' ')));
}

}  // namespace
}  // namespace gainsweep::spec
