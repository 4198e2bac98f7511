#include "digest/digest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "files.hpp"

namespace gainsweep::digest {
namespace {

class DigestFiles : public Files {};

TEST(Digest, EqualsThePublishedVectors) {
  EXPECT_EQ(of_text(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(of_text("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(of_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(of_text(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, OfBytesEqualsOfText) {
  const std::string text("a\0b", 3);
  EXPECT_EQ(of_bytes(std::as_bytes(std::span(text))), of_text(text));
  EXPECT_NE(of_text(text), of_text("a"));
}

TEST(Blocks, DoNotDependOnTheThreads) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{1}, block_size - 1, block_size,
                                   block_size + 1, 5 * block_size + 12345}) {
    const auto bytes = pattern(length);
    const std::string one = of_blocks(bytes, 1);
    for (const int threads : {-1, 0, 2, 3, 16}) EXPECT_EQ(of_blocks(bytes, threads), one);
  }
}

TEST(Blocks, AreTheDigestOfLengthAndBlockDigests) {
  const auto bytes = pattern(block_size + 7);
  const auto raw = [](const std::string& hex) {
    std::string result;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
      result += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return result;
  };
  const std::string length("\x07\x00\x40\x00\x00\x00\x00\x00", 8);
  const auto span = std::span(bytes);
  EXPECT_EQ(of_blocks(bytes), of_text(length + raw(of_bytes(span.first(block_size))) +
                                      raw(of_bytes(span.subspan(block_size)))));
}

TEST(Blocks, NoticeEveryChange) {
  auto bytes = pattern(2 * block_size + 3);
  std::set<std::string> seen{of_blocks(bytes)};
  for (const std::size_t at : {std::size_t{0}, block_size, 2 * block_size + 2}) {
    bytes[at] ^= std::byte{1};
    EXPECT_TRUE(seen.insert(of_blocks(bytes)).second) << at;
  }
  bytes.push_back(std::byte{0});
  EXPECT_TRUE(seen.insert(of_blocks(bytes)).second);
}

TEST(Fields, NoTwoListsCollide) {
  const std::vector<std::function<void(Builder&)>> lists{
      [](Builder&) {},
      [](Builder& b) { b.add("", ""); },
      [](Builder& b) { b.add("", "").add("", ""); },
      [](Builder& b) { b.add("ab", "c"); },
      [](Builder& b) { b.add("a", "bc"); },
      [](Builder& b) { b.add("a", "b").add("c", "d"); },
      [](Builder& b) { b.add("c", "d").add("a", "b"); },
      [](Builder& b) { b.add("a", "bcd"); },
      [](Builder& b) { b.add("n", 1); },
      [](Builder& b) { b.add("n", "1"); },
      [](Builder& b) { b.add("n", 1.0); },
      [](Builder& b) { b.add("n", std::string("\1\0\0\0\0\0\0\0", 8)); },
      [](Builder& b) { b.add("n", 0.0); },
      [](Builder& b) { b.add("n", -0.0); },
      [](Builder& b) { b.add("n", 0); },
      [](Builder& b) { b.add("n", -1); },
  };
  std::set<std::string> digests;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    Builder builder;
    lists[i](builder);
    EXPECT_TRUE(digests.insert(builder.finish()).second) << "list " << i;
  }
}

TEST(Fields, AFieldCannotImitateTwo) {
  // What two fields append to the bytes, offered as the value of one.
  using namespace std::string_literals;
  const std::string forged = "x\1\0\0\0\0\0\0\0bt\1\0\0\0\0\0\0\0y"s;
  EXPECT_NE(Builder().add("a", forged).finish(), Builder().add("a", "x").add("b", "y").finish());
}

TEST(Fields, IntegersOfAnyTypeAreTheSame) {
  const std::string expected = Builder().add("n", std::int64_t{7}).finish();
  EXPECT_EQ(Builder().add("n", 7).finish(), expected);
  EXPECT_EQ(Builder().add("n", std::size_t{7}).finish(), expected);
}

TEST_F(DigestFiles, HaveTheDigestOfTheirContent) {
  for (const std::size_t length : {std::size_t{0}, std::size_t{10}, 2 * block_size + 99}) {
    const auto bytes = pattern(length);
    const auto path = write("content", bytes);
    EXPECT_EQ(of_file(path), of_blocks(bytes));
    EXPECT_EQ(of_file(path, 3), of_blocks(bytes));
  }
}

void expect_input_error(const std::filesystem::path& path, const std::string& why) {
  try {
    of_file(path, 2);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
    EXPECT_THAT(error.what(), testing::HasSubstr(why));
  }
}

TEST_F(DigestFiles, AbsentIsAnError) {
  expect_input_error(folder_ / "absent", "No such file");
}

TEST_F(DigestFiles, FolderIsAnError) {
  expect_input_error(folder_, "not a regular file");
}

TEST_F(DigestFiles, PipeIsAnErrorAndDoesNotWait) {
  ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  expect_input_error(folder_ / "pipe", "not a regular file");
}

TEST_F(DigestFiles, ForbiddenIsAnError) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const auto path = write("secret", pattern(10));
  std::filesystem::permissions(path, std::filesystem::perms::none);
  expect_input_error(path, "Permission denied");
}

}  // namespace
}  // namespace gainsweep::digest
