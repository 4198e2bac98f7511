#include "archive/tokens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include "../throws.hpp"
#include "sample.hpp"

namespace gainsweep::archive {
namespace {

using sample::Folder;
using testing::HasSubstr;

/// A file with one dataset of the stored type.
void write_dataset(const std::filesystem::path& path, const char* name, hid_t stored, hid_t given,
                   const std::vector<hsize_t>& shape, const void* values) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t dataset =
      H5Dcreate2(file, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (values != nullptr) H5Dwrite(dataset, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(dataset);
  H5Sclose(space);
  H5Fclose(file);
}

void write_ids(const std::filesystem::path& path, const std::vector<std::int64_t>& ids,
               hid_t stored = H5T_STD_I64LE) {
  write_dataset(path, "tokens", stored, H5T_NATIVE_INT64, {ids.size()}, ids.data());
}

std::vector<std::int64_t> read(const std::filesystem::path& path) {
  return read_tokens({{path, 128}}).front().ids;
}

std::string message_of(const std::filesystem::path& path, std::int64_t vocabulary = 100) {
  try {
    read_tokens({{path, vocabulary}});
  } catch (const Error& error) {
    return error.kind() == ErrorKind::input ? error.what() : "wrong kind";
  }
  return "accepted";
}

TEST(Tokens, AnyIntegerTypeIsRead) {
  const Folder folder;
  const std::vector<std::int64_t> ids{0, 99, 5, 5, 127};
  for (const hid_t type : {H5T_STD_I8LE, H5T_STD_U8LE, H5T_STD_I16BE, H5T_STD_U16LE, H5T_STD_I32LE,
                           H5T_STD_U32BE, H5T_STD_I64LE, H5T_STD_U64LE}) {
    write_ids(folder / "t.h5", ids, type);
    EXPECT_EQ(read(folder / "t.h5"), ids);
  }
  write_ids(folder / "t.h5", {});
  EXPECT_TRUE(read(folder / "t.h5").empty());
}

TEST(Tokens, IdsOutsideTheVocabularyAreNamedWithTheirPlace) {
  const Folder folder;
  write_ids(folder / "t.h5", {3, 99, 100});
  EXPECT_THAT(message_of(folder / "t.h5"),
              HasSubstr("t.h5: tokens[2] is 100, outside the model's vocabulary [0, 100)"));
  write_ids(folder / "t.h5", {3, -1});
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("tokens[1] is -1, outside"));
  const std::uint64_t huge = UINT64_MAX;  // would be -1 if it wrapped
  write_dataset(folder / "t.h5", "tokens", H5T_STD_U64LE, H5T_NATIVE_UINT64, {1}, &huge);
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("tokens[0] is 9223372036854775807, outside"));
}

TEST(Tokens, WrongDatasetsAreDescribed) {
  const Folder folder;
  const std::vector<double> numbers{1, 2, 3, 4};
  const auto write_numbers = [&](const char* name, hid_t type, std::vector<hsize_t> shape) {
    write_dataset(folder / "t.h5", name, type, H5T_NATIVE_DOUBLE, shape, numbers.data());
  };
  write_numbers("ids", H5T_STD_I32LE, {4});
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("no dataset 'tokens' (it holds: ids)"));
  write_numbers("tokens/ids", H5T_STD_I32LE, {4});
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("no dataset 'tokens' (it holds: nothing)"));
  write_numbers("tokens", H5T_IEEE_F32LE, {4});
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("holds floating-point numbers, not integer"));
  write_numbers("tokens", H5T_STD_I32LE, {2, 2});
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("has 2 dimensions instead of 1"));
  write_dataset(folder / "t.h5", "tokens", H5T_C_S1, H5T_C_S1, {4}, "abcd");
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("holds texts, not integer"));
  write_dataset(folder / "t.h5", "tokens", H5T_STD_I32LE, -1, {hsize_t{1} << 60}, nullptr);
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("'tokens': no value of its extent was ever"));
}

using Numbers = std::vector<std::int64_t>;

/// A file of tokens with samples and a mask.
struct Written {
  Numbers ids{1, 2, 3, 4, 5, 6, 7}, offsets{0, 3, 7}, mask{0, 1, 1, 0, 0, 0, 1};

  void write(const std::filesystem::path& path) const {
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t group = H5Gcreate2(file, "samples", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    put(file, "tokens", H5T_STD_I32LE, ids);
    put(group, "offset", H5T_STD_I64LE, offsets);
    put(file, "mask", H5T_STD_U8LE, mask);
    H5Gclose(group);
    H5Fclose(file);
  }

 private:
  static void put(hid_t parent, const char* name, hid_t stored, const Numbers& values) {
    const hsize_t extent = values.size();
    const hid_t space = H5Screate_simple(1, &extent, nullptr);
    const hid_t dataset =
        H5Dcreate2(parent, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (extent > 0)
      H5Dwrite(dataset, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    H5Dclose(dataset);
    H5Sclose(space);
  }
};

TEST(Tokens, SamplesAndMasksAreRead) {
  const Folder folder;
  const Written written;
  written.write(folder / "t.h5");
  const auto found = read_tokens({{folder / "t.h5", 100}, {folder / "t.h5", 100}});
  ASSERT_EQ(found.size(), 2U);
  for (const auto& stream : found)
    EXPECT_EQ(stream, (TokenStream{written.ids, written.offsets, written.mask}));
}

TEST(Tokens, SamplesAndMasksThatDoNotFitAreNamed) {
  const Folder folder;
  const auto refused = [&](const Written& written) {
    written.write(folder / "t.h5");
    return message_of(folder / "t.h5");
  };
  EXPECT_THAT(refused({.offsets = {}}), HasSubstr("'samples/offset' is empty"));
  EXPECT_THAT(refused({.offsets = {1, 7}}), HasSubstr("'samples/offset': entry 0 is 1. The first"));
  EXPECT_THAT(refused({.offsets = {0, 6, 7}}),
              HasSubstr("entry 2 is 7 behind 6 (a sample has a token and a target at least)"));
  EXPECT_THAT(refused({.offsets = {0, 5, 3, 7}}), HasSubstr("entry 2 is 3 behind 5"));
  EXPECT_THAT(refused({.offsets = {0, INT64_MIN, 7}}),
              HasSubstr("entry 1 is -9223372036854775808"));
  EXPECT_THAT(refused({.offsets = {0, 3}}), HasSubstr("entry 1 is 3, and there are 7 tokens"));
  EXPECT_THAT(refused({.offsets = {0, 3, 9}}), HasSubstr("entry 2 is 9, and there are 7 tokens"));
  EXPECT_THAT(refused({.mask = {}}), HasSubstr("'mask' has 0 entries for 7 tokens"));
  EXPECT_THAT(refused({.mask = {1, 1, 1, 1, 1, 1, 2}}), HasSubstr("mask[6] is 2. Store 0 for"));
  EXPECT_THAT(refused({.mask = {1, 1, 1, 1, 0, 0, 0}}),
              HasSubstr("sample 1 has no target that counts"));
}

TEST(Tokens, SamplesOfAnotherFormAreDescribed) {
  const Folder folder;
  const auto with = [&](const char* name, bool is_group) {
    write_ids(folder / "t.h5", {1, 2, 3});
    const hid_t file = H5Fopen((folder / "t.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    if (is_group) {
      H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    } else {
      const hid_t space = H5Screate(H5S_SCALAR);
      const hid_t set =
          H5Dcreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
      H5Dclose(set);
      H5Sclose(space);
    }
    H5Fclose(file);
    return message_of(folder / "t.h5");
  };
  EXPECT_THAT(with("samples", true), HasSubstr("its group 'samples' has no dataset 'offset'"));
  EXPECT_THAT(with("samples", false), HasSubstr("'samples' is a dataset, not a group"));
  EXPECT_THAT(with("mask", true), HasSubstr("'mask' is a group, not a dataset"));
  EXPECT_THAT(with("mask", false), HasSubstr("'mask': it has 0 dimensions instead of 1"));
  EXPECT_EQ(with("notes", true), "accepted") << "what else a file has is its maker's";
}

TEST(Tokens, AGroupInPlaceOfTheDataset) {
  const Folder folder;
  const hid_t file = H5Fcreate((folder / "t.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(H5Gcreate2(file, "tokens", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  H5Fclose(file);
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("'tokens' is a group, not a dataset"));
}

TEST(Tokens, FilesThatAreNoHdf5) {
  const Folder folder;
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("t.h5 cannot be read (No such file"));
  EXPECT_THAT(message_of(folder.path()), HasSubstr("(it is not a regular file)"));
  sample::put_bytes(folder / "t.h5", "");
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("it is not an HDF5 file"));
  sample::put_bytes(folder / "t.h5", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_THAT(message_of(folder / "t.h5"),
              HasSubstr("t.h5: it is a git-lfs pointer, not an HDF5 file. Fetch what"));
  sample::put_bytes(folder / "t.h5", "1 2 3\n");
  EXPECT_THAT(message_of(folder / "t.h5"), HasSubstr("it is not an HDF5 file"));
}

TEST(Tokens, TruncatedFilesAreRefused) {
  const Folder folder;
  write_ids(folder / "whole.h5", std::vector<std::int64_t>(500, 7));
  const std::string bytes = sample::file_bytes(folder / "whole.h5");
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    sample::put_bytes(folder / "t.h5", bytes.substr(0, size));
    EXPECT_NE(message_of(folder / "t.h5"), "accepted") << size << " bytes";
  }
}

TEST(Tokens, OneChildReadsSeveralFiles) {
  const Folder folder;
  std::vector<std::int64_t> many(3'000'000);  // more than a pipe holds
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::int64_t>(i % 1000);
  write_ids(folder / "many.h5", many);
  write_ids(folder / "few.h5", {1, 2});
  const auto both = read_tokens({{folder / "many.h5", 1000}, {folder / "few.h5", 3}});
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].ids, many);
  EXPECT_EQ(both[1].ids, (std::vector<std::int64_t>{1, 2}));
  EXPECT_TRUE(read_tokens({}).empty());
}

TEST(Tokens, OfSeveralFilesTheOneThatIsWrongIsNamed) {
  const Folder folder;
  write_ids(folder / "good.h5", {1, 2});
  write_ids(folder / "other.h5", {1, 7});
  EXPECT_ERROR(read_tokens({{folder / "good.h5", 3}, {folder / "other.h5", 7}}), ErrorKind::input,
               "other.h5: tokens[1] is 7, outside");
  const std::filesystem::path broken{GAINSWEEP_SOURCE_DIR "/tests/fuzz/tokens/regression"};
  for (const auto& entry : std::filesystem::directory_iterator(broken)) {
    EXPECT_ERROR(read_tokens({{folder / "good.h5", 3}, {entry.path(), 50000}}), ErrorKind::input,
                 entry.path().string() + ": ");
  }
}

// On these HDF5 1.10.8 reads or writes beyond its memory, and crashes on some; others may refuse
// them.
TEST(Tokens, FilesThatBreakTheLibraryAreRefusedByName) {
  const std::filesystem::path source_dir{GAINSWEEP_SOURCE_DIR};
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(source_dir / "tests/fuzz/tokens/regression")) {
    const std::string path = entry.path().string();
    const std::string message = message_of(path, 50000);
    EXPECT_TRUE(message.starts_with(path + ": ")) << message;
    ++files;
  }
  EXPECT_GE(files, 3);
}

}  // namespace
}  // namespace gainsweep::archive
