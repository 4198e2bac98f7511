#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/stat.h>

#include <functional>

#include "archive/archive.hpp"
#include "base/error.hpp"
#include "sample.hpp"

namespace gainsweep::archive {
namespace {

using sample::Folder;
using testing::HasSubstr;

std::string message_of(const std::filesystem::path& path) {
  try {
    read(path);
  } catch (const Error& error) {
    return error.kind() == ErrorKind::input ? error.what() : "wrong kind";
  }
  return "accepted";
}

/// The small sample after plain HDF5 calls have altered it, with a seal that fits again.
void write_altered(const Folder& folder, const std::function<void(hid_t file)>& alter) {
  write(folder / "a.h5", sample::small());
  sample::put_bytes(folder / "plain.h5",
                    sample::file_bytes(folder / "a.h5").substr(sample::seal_size));
  const hid_t file = H5Fopen((folder / "plain.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  alter(file);
  H5Fclose(file);
  sample::put_bytes(folder / "a.h5", sample::sealed(sample::file_bytes(folder / "plain.h5")));
}

void replace_text(hid_t file, const char* object, const char* name, const char* value) {
  H5Adelete_by_name(file, object, name, H5P_DEFAULT);
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute =
      H5Acreate_by_name(file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, &value);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

void replace_integer(hid_t file, const char* name, std::int64_t value) {
  const hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_INT64, &value);
  H5Aclose(attribute);
}

void overwrite_first(hid_t file, const char* path, hid_t type, const void* value) {
  const hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
  const hid_t space = H5Dget_space(dataset);
  const hsize_t start[2] = {0, 0};
  const hsize_t count[2] = {1, 1};
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr);
  const hid_t one = H5Screate(H5S_SCALAR);
  H5Dwrite(dataset, type, one, space, H5P_DEFAULT, value);
  H5Sclose(one);
  H5Sclose(space);
  H5Dclose(dataset);
}

void add_dataset(hid_t file, const char* path, hid_t type, hsize_t extent) {
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t dataset = H5Dcreate2(file, path, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ASSERT_GE(dataset, 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

/// A dataset of chunks of which only the first one is written.
void add_chunks(hid_t file, const char* path, hsize_t chunks) {
  const hsize_t chunk = 4;
  const hsize_t extent = chunk * chunks;
  const hsize_t start = 0;
  const double values[chunk] = {};
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(creation, 1, &chunk);
  const hid_t dataset =
      H5Dcreate2(file, path, H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &chunk, nullptr);
  const hid_t first = H5Screate_simple(1, &chunk, nullptr);
  H5Dwrite(dataset, H5T_NATIVE_DOUBLE, first, space, H5P_DEFAULT, values);
  H5Sclose(first);
  H5Dclose(dataset);
  H5Pclose(creation);
  H5Sclose(space);
}

/// A dataset of four reals, stored as `set` says of its extent.
template <class Set>
void add_stored(hid_t file, const char* path, const Set& set) {
  const hsize_t extent = 4;
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  set(creation, space);
  H5Dclose(H5Dcreate2(file, path, H5T_IEEE_F64LE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
  H5Pclose(creation);
  H5Sclose(space);
}

/// A dataset whose values lie in another file, which is a pipe: opening it would wait for ever.
void add_external(hid_t file, const char* path, const std::filesystem::path& pipe) {
  add_stored(file, path, [&](hid_t creation, hid_t) {
    H5Pset_external(creation, pipe.c_str(), 0, H5F_UNLIMITED);
  });
}

void add_virtual(hid_t file, const char* path, const std::filesystem::path& pipe) {
  add_stored(file, path, [&](hid_t creation, hid_t space) {
    H5Pset_virtual(creation, space, pipe.c_str(), "x", space);
  });
}

/// Groups in groups.
void nest(hid_t file, int levels) {
  std::string path;
  for (int level = 0; level < levels; ++level) {
    path += "/x";
    H5Gclose(H5Gcreate2(file, path.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
}

struct Alteration {
  const char* message;
  std::function<void(hid_t)> alter;
};

TEST(WrongArchive, AlteredObjectsAreNamed) {
  const double number = 7;
  const std::vector<Alteration> cases{
      {"layout version 3, this program reads version 2 only",
       [](hid_t f) { replace_integer(f, "schema_version", 3); }},
      {"an earlier gainsweep wrote it (layout version 1, this program reads version 2). Use that "
       "gainsweep, or run the spec anew",
       [](hid_t f) { replace_integer(f, "schema_version", 1); }},
      {"not a gainsweep archive (by the root's attribute schema)",
       [](hid_t f) { replace_text(f, "/", "schema", "gainsweep part"); }},
      {"not a gainsweep archive (by the root's attribute schema)",
       [](hid_t f) { H5Adelete(f, "schema"); }},
      {"/: it does not match its digest",
       [](hid_t f) { replace_text(f, "/", "program", "another"); }},
      {"/ops/macs: it does not match its digest",
       [](hid_t f) { replace_text(f, "/ops/macs", "units", "byte"); }},
      {"/ops/macs: HDF5 refused H5Aopen",
       [](hid_t f) { H5Adelete_by_name(f, "/ops/macs", "units", H5P_DEFAULT); }},
      {"/ops/macs: it has no digest",
       [](hid_t f) { H5Adelete_by_name(f, "/ops/macs", "sha256", H5P_DEFAULT); }},
      {"/ops: it does not match its digest",
       [](hid_t f) { H5Ldelete(f, "/ops/macs", H5P_DEFAULT); }},
      {"/scores/signed_error: it does not match its digest",
       [&](hid_t f) { overwrite_first(f, "/scores/signed_error", H5T_NATIVE_DOUBLE, &number); }},
      {"/measured/latency/class_0/time: it does not match its digest",
       [&](hid_t f) {
         overwrite_first(f, "/measured/latency/class_0/time", H5T_NATIVE_DOUBLE, &number);
       }},
      {"/provenance: it does not match its digest",
       [](hid_t f) { replace_text(f, "/provenance", "model_digest", "b"); }},
      {"/ops/x: its type is none of", [](hid_t f) { add_dataset(f, "/ops/x", H5T_IEEE_F32LE, 3); }},
      {"/ops/x: no value of its extent was ever written",
       [](hid_t f) { add_dataset(f, "/ops/x", H5T_IEEE_F64LE, hsize_t{1} << 50); }},
      {"/ops/x: only 1 of the 3 chunks of its extent were ever written",
       [](hid_t f) { add_chunks(f, "/ops/x", 3); }},
      {"/ops: link x leads elsewhere",
       [](hid_t f) { H5Lcreate_soft("/scores", f, "/ops/x", H5P_DEFAULT, H5P_DEFAULT); }},
      {"/ops: object x has several names",
       [](hid_t f) { H5Lcreate_hard(f, "/", f, "/ops/x", H5P_DEFAULT, H5P_DEFAULT); }},
      {": object signed_error has several names",
       [](hid_t f) {
         H5Lcreate_hard(f, "/scores/signed_error", f, "/scores/x", H5P_DEFAULT, H5P_DEFAULT);
       }},
      {"/ops: it has names with control characters",
       [](hid_t f) { add_dataset(f, "/ops/x\n", H5T_IEEE_F64LE, 3); }},
      {"nested too deeply", [](hid_t f) { nest(f, 20); }},
  };
  for (const Alteration& alteration : cases) {
    const Folder folder;
    write_altered(folder, alteration.alter);
    EXPECT_THAT(message_of(folder / "a.h5"), HasSubstr(alteration.message));
  }
}

TEST(WrongArchive, UnalteredContentsUnderANewSealAreAccepted) {
  const Folder folder;
  write_altered(folder, [](hid_t) {});
  EXPECT_EQ(sample::all_differences(sample::small(), read(folder / "a.h5")), "");
}

TEST(WrongArchive, ForeignFilesAreRefused) {
  const Folder folder;
  EXPECT_THAT(message_of(folder / "none.h5"), HasSubstr("none.h5 cannot be read (No such file"));
  EXPECT_THAT(message_of(folder.path()), HasSubstr("(it is not a regular file)"));
  sample::put_bytes(folder / "a.h5", "");
  EXPECT_THAT(message_of(folder / "a.h5"), HasSubstr("a.h5: it is not a gainsweep archive"));
  sample::put_bytes(folder / "a.h5", std::string(5000, 'x'));
  EXPECT_THAT(message_of(folder / "a.h5"), HasSubstr("a.h5: it is not a gainsweep archive"));
  H5Fclose(H5Fcreate((folder / "b.h5").c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  EXPECT_THAT(message_of(folder / "b.h5"), HasSubstr("an HDF5 file of another program"));
  sample::put_bytes(folder / "c.h5", sample::sealed(sample::file_bytes(folder / "b.h5")));
  EXPECT_THAT(message_of(folder / "c.h5"), HasSubstr("by the root's attribute schema"));
  sample::put_bytes(folder / "d.h5", sample::sealed("not HDF5"));
  EXPECT_THAT(message_of(folder / "d.h5"), HasSubstr("HDF5 refused"));
}

TEST(WrongArchive, DamageAndCutsAreToldApart) {
  const Folder folder;
  write(folder / "a.h5", sample::small());
  std::string bytes = sample::file_bytes(folder / "a.h5");
  sample::put_bytes(folder / "a.h5", bytes.substr(0, 1512));
  EXPECT_THAT(message_of(folder / "a.h5"), HasSubstr("it is cut short (1000 of "));
  bytes[3000] = static_cast<char>(~bytes[3000]);
  sample::put_bytes(folder / "a.h5", bytes);
  EXPECT_THAT(message_of(folder / "a.h5"), HasSubstr("it is damaged or was altered"));
}

TEST(WrongArchive, ValuesInOtherFilesAreNeitherOpenedNorRead) {
  const Folder folder;
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  write_altered(folder, [&](hid_t file) { add_external(file, "/ops/x", pipe); });
  EXPECT_THAT(message_of(folder / "a.h5"),
              HasSubstr("/ops/x: its values lie in other files (external storage)"));
  write_altered(folder, [&](hid_t file) { add_virtual(file, "/ops/x", pipe); });
  EXPECT_THAT(message_of(folder / "a.h5"),
              HasSubstr("/ops/x: its values lie in other files (virtual storage)"));
}

}  // namespace
}  // namespace gainsweep::archive
