#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <functional>

#include "archive/tokens.hpp"
#include "base/error.hpp"
#include "sample.hpp"

/// Token files whose values are elsewhere, absent or stored in a way that the library cannot undo.
namespace gainsweep::archive {
namespace {

using sample::Folder;
using testing::HasSubstr;

constexpr hsize_t extent = 64;
constexpr hsize_t chunk = 16;

/// The creation properties of a dataset and what is done with it once it is there.
struct Stored {
  std::function<void(hid_t creation, hid_t space)> describe = [](hid_t, hid_t) {};
  std::function<void(hid_t dataset)> fill = [](hid_t) {};
};

void write_tokens(const std::filesystem::path& path, const Stored& stored) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  stored.describe(creation, space);
  const hid_t dataset =
      H5Dcreate2(file, "tokens", H5T_STD_I32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  ASSERT_GE(dataset, 0);
  stored.fill(dataset);
  H5Dclose(dataset);
  H5Pclose(creation);
  H5Sclose(space);
  H5Fclose(file);
}

std::string message_of(const std::filesystem::path& path) {
  try {
    read_tokens({{path, 100}});
  } catch (const Error& error) {
    return error.kind() == ErrorKind::input ? error.what() : "wrong kind";
  }
  return "accepted";
}

void in_chunks(hid_t creation, hid_t) {
  H5Pset_chunk(creation, 1, &chunk);
}

/// Stores the first chunk as it is, as if filters had given it.
void write_first_chunk(hid_t dataset, std::uint32_t skipped_filters) {
  const std::vector<std::int32_t> ids(chunk, 1);
  const hsize_t start = 0;
  H5Dwrite_chunk(dataset, H5P_DEFAULT, skipped_filters, &start, chunk * sizeof(std::int32_t),
                 ids.data());
}

TEST(Storage, ValuesInOtherFilesAreNeitherOpenedNorRead) {
  const Folder folder;
  const auto pipe = folder / "pipe";  // opening it would wait for ever
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  write_tokens(folder / "t.h5", {[&](hid_t creation, hid_t) {
                 H5Pset_external(creation, pipe.c_str(), 0, H5F_UNLIMITED);
               }});
  EXPECT_THAT(message_of(folder / "t.h5"),
              HasSubstr("t.h5: 'tokens': its values lie in other files (external storage)"));
  write_tokens(folder / "t.h5", {[&](hid_t creation, hid_t space) {
                 H5Pset_virtual(creation, space, pipe.c_str(), "tokens", space);
               }});
  EXPECT_THAT(message_of(folder / "t.h5"),
              HasSubstr("t.h5: 'tokens': its values lie in other files (virtual storage)"));
}

TEST(Storage, ValuesThatWereNeverOrPartlyWritten) {
  const Folder folder;
  write_tokens(folder / "t.h5", {});
  EXPECT_THAT(message_of(folder / "t.h5"),
              HasSubstr("'tokens': no value of its extent was ever written. Write its values"));
  write_tokens(folder / "t.h5", {in_chunks, [](hid_t d) { write_first_chunk(d, 0); }});
  EXPECT_THAT(message_of(folder / "t.h5"),
              HasSubstr("'tokens': only 1 of the 4 chunks of its extent were ever written"));
}

// What such a file says would be filled with zeros, in any amount of memory, before it is read.
TEST(Storage, ValuesThatReachBeyondTheFileAreRefused) {
  const Folder folder;
  const std::int64_t size = 12343;
  const std::int64_t damaged = std::int64_t{1} << 34;
  const hid_t file = H5Fcreate((folder / "t.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const auto count = static_cast<hsize_t>(size);
  const hid_t space = H5Screate_simple(1, &count, nullptr);
  const hid_t dataset =
      H5Dcreate2(file, "tokens", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const std::vector<std::uint8_t> ids(count, 1);
  H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, ids.data());
  H5Dclose(dataset);
  H5Sclose(space);
  H5Fclose(file);
  std::string bytes = sample::file_bytes(folder / "t.h5");
  const std::string before(reinterpret_cast<const char*>(&size), sizeof size);
  const std::string after(reinterpret_cast<const char*>(&damaged), sizeof damaged);
  for (auto place = bytes.find(before); place != std::string::npos; place = bytes.find(before))
    bytes.replace(place, before.size(), after);
  sample::put_bytes(folder / "t.h5", bytes);
  EXPECT_THAT(message_of(folder / "t.h5"),
              HasSubstr("'tokens': its extent and the 17179869184 bytes stored for it do not fit"));
}

TEST(Storage, AFilterThatIsLackingIsNamed) {
  const Folder folder;
  constexpr H5Z_filter_t lzf = 32000;
  const auto filtered = [](hid_t creation, hid_t) {
    H5Pset_chunk(creation, 1, &extent);
    H5Pset_filter(creation, lzf, H5Z_FLAG_OPTIONAL, 0, nullptr);
  };
  const auto write_whole = [](hid_t dataset, std::uint32_t skipped_filters) {
    const std::vector<std::int32_t> ids(extent, 1);
    const hsize_t start = 0;
    H5Dwrite_chunk(dataset, H5P_DEFAULT, skipped_filters, &start, extent * sizeof(std::int32_t),
                   ids.data());
  };
  write_tokens(folder / "t.h5", {filtered, [&](hid_t d) { write_whole(d, 0); }});
  EXPECT_THAT(message_of(folder / "t.h5"),
              HasSubstr("'tokens': its values went through the filter 32000"));
  // An optional filter that no chunk went through is not missed.
  write_tokens(folder / "t.h5", {filtered, [&](hid_t d) { write_whole(d, 1); }});
  EXPECT_EQ(message_of(folder / "t.h5"), "accepted");
}

}  // namespace
}  // namespace gainsweep::archive
