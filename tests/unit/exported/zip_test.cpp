#include <gtest/gtest.h>

#include <random>

#include "exported/program.hpp"
#include "parts.hpp"
#include "unit/throws.hpp"

namespace gainsweep::exported {
namespace {

std::string sound() {
  return zip_of(sound_parts().members());
}

/// The place of a member's entry in the central directory.
std::size_t entry_of(const std::string& file, const std::string& name) {
  return file.rfind("small/" + name) - 46;
}

/// The members with another content of one.
std::string with(const std::string& name, const std::string& content) {
  auto members = sound_parts().members();
  for (auto& [known, bytes] : members)
    if (known == name) bytes = content;
  return zip_of(members);
}

void expect_refused(const std::string& bytes, const std::string& message) {
  const Aligned file(bytes);
  EXPECT_ERROR(parse(file.bytes(), "small.pt2"), ErrorKind::input, "small.pt2: " + message);
}

/// A sound file with another number in a member's entry.
template <class Number>
std::string patched(const char* member, std::size_t field, Number number) {
  auto file = sound();
  put(file, entry_of(file, member) + field, number);
  return file;
}

TEST(Zip, FilesThatAreNoneAreRefused) {
  expect_refused("", "no end of a zip archive (truncated, or no zip archive). The file is damaged");
  expect_refused("version https://git-lfs.github.com/spec/v1\n", "it is a git-lfs pointer, not");
  expect_refused(std::string(5000, '\0'), "it is nothing but zeros at its start");
  expect_refused(sound().substr(0, 1000), "no end of a zip archive");
  expect_refused(sound() + "x", "no end of a zip archive");
  expect_refused(zip_of({}), "an empty zip archive");
  expect_refused(zip_of({{"a", "b"}}, ""), "member 'a' lies in no folder");
}

TEST(Zip, MembersThatAreNotStoredAreRefused) {
  expect_refused(patched<std::uint16_t>("models/model.json", 10, 8),
                 "member 'small/models/model.json' is compressed (method 8; torch.export.save "
                 "stores members as they are)");
  expect_refused(patched<std::uint16_t>("byteorder", 8, 1),
                 "member 'small/byteorder' is encrypted");
  expect_refused(patched<std::uint32_t>("byteorder", 24, 1),
                 "member 'small/byteorder' has two sizes");
}

TEST(Zip, WrongChecksumsAreRefused) {
  expect_refused(patched<std::uint32_t>("models/model.json", 16, 7),
                 "member 'models/model.json' has another checksum (CRC) than its archive says");
  auto file = sound();
  file[file.find(std::string(48, '\1')) + 3] = '\3';
  expect_refused(file, "member 'data/weights/weight_0' has another checksum (CRC)");
}

TEST(Zip, ExtentsOutsideTheDataAreRefused) {
  const auto file = sound();
  auto longer = file;
  for (const std::size_t field : {20, 24})
    put<std::uint32_t>(longer, entry_of(file, "byteorder") + field, 1'000'000);
  expect_refused(longer, "member 'small/byteorder' ends beyond the data of the archive");
  auto over = file;
  for (const std::size_t field : {20, 24})
    put<std::uint32_t>(over, entry_of(file, "data/weights/weight_0") + field, 200);
  expect_refused(over, "members of the zip archive overlap at byte ");
  expect_refused(patched<std::uint32_t>("byteorder", 42, 3),
                 "member 'small/byteorder' has no header where the zip directory says");
  expect_refused(patched<std::uint32_t>("byteorder", 42, 0),
                 "member 'small/byteorder' has another name in its own header");
}

TEST(Zip, WrongDirectoriesAreRefused) {
  const auto end = sound().size() - 22;
  const auto changed = [&](std::size_t field, auto number) {
    auto file = sound();
    put(file, end + field, number);
    return file;
  };
  expect_refused(changed(10, std::uint16_t{3}), "its zip directory has bytes after its last entry");
  expect_refused(changed(10, std::uint16_t{99}),
                 "its zip directory has fewer entries than it says");
  expect_refused(changed(16, static_cast<std::uint32_t>(end)),
                 "its zip directory ends beyond its end (truncated)");
  expect_refused(changed(4, std::uint16_t{1}), "a part of a split zip");
  expect_refused(changed(16, std::uint32_t{0xFFFFFFFF}),
                 "its zip directory is said to be zip64, whose end is not there");
}

TEST(Zip, ContainersOfOtherKindsAreRefused) {
  expect_refused(with("byteorder", "big"),
                 "byteorder is 'big', and only 'little' is read. Save the program on a "
                 "little-endian machine.");
  expect_refused(with("archive_format", "pt3"), "archive_format is 'pt3', and only 'pt2' is read");
  expect_refused(with("models/model.json", "{\"a\": 1, \"a\": 2}"),
                 "models/model.json: key 'a' is given twice");
  expect_refused(with("models/model.json", "{"), "models/model.json: not valid JSON");
  expect_refused(zip_of({{"x", "y"}}), "it has no member 'archive_format'");
}

TEST(Zip, MisalignedStoragesAreRefused) {
  const Aligned file("x" + sound());  // as if it were packed again without padding
  EXPECT_ERROR(parse(file.bytes().subspan(1), "small.pt2"), ErrorKind::input,
               "tensor_meta lies in a storage that is not aligned to its elements");
}

TEST(Zip, FlippedBytesAndTruncationAreHarmless) {
  const auto whole = sound();
  std::mt19937 random(7);
  for (int round = 0; round < 3'000; ++round) {
    auto file = whole;
    for (auto flips = 1 + random() % 4; flips > 0; --flips)
      file[whole.size() - 1 - random() % (random() % 2 ? 900 : whole.size())] =
          static_cast<char>(random());
    if (random() % 8 == 0) file.resize(random() % file.size());
    try {
      parse(Aligned(file).bytes(), "small.pt2");
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::input) << error.what();
    }
  }
}

}  // namespace
}  // namespace gainsweep::exported
