#include <hdf5.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "archive/archive.hpp"
#include "archive/parts.hpp"
#include "archive/sweep.hpp"
#include "sample.hpp"

/// Writes seeds that are HDF5 files, in today's layout: `seeds FOLDER` fills FOLDER/{archive,
/// items,parts,samples,tokens}.
namespace {

namespace fs = std::filesystem;
namespace archive = gainsweep::archive;

struct Storage {
  const char* name;
  bool latest;
  hid_t type;
  std::function<void(hid_t)> set;
};

void write_tokens(const fs::path& path, const Storage& storage) {
  std::vector<std::int64_t> ids(300);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int64_t>(i * i % 30000);
  const hsize_t extent = ids.size();
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (storage.latest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  storage.set(creation);
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t set =
      H5Dcreate2(file, "tokens", storage.type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, ids.data());
  H5Dclose(set);
  H5Sclose(space);
  H5Pclose(creation);
  H5Fclose(file);
  H5Pclose(access);
}

void put_numbers(hid_t parent, const char* name, hid_t type,
                 const std::vector<std::int64_t>& numbers) {
  const hsize_t extent = numbers.size();
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t set = H5Dcreate2(parent, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data());
  H5Dclose(set);
  H5Sclose(space);
}

/// Samples of their own lengths with a mask.
void write_samples(const fs::path& path) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t group = H5Gcreate2(file, "samples", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put_numbers(file, "tokens", H5T_STD_I32LE, {5, 9, 2, 2, 7, 1, 3});
  put_numbers(group, "offset", H5T_STD_I64LE, {0, 3, 7});
  put_numbers(file, "mask", H5T_STD_U8LE, {0, 1, 1, 0, 0, 0, 1});
  H5Gclose(group);
  H5Fclose(file);
}

void chunk(hid_t creation) {
  const hsize_t chunk = 128;
  H5Pset_chunk(creation, 1, &chunk);
}

void write_token_files(const fs::path& folder) {
  const auto plain = [](hid_t) {};
  const auto filtered = [](hid_t creation) {
    chunk(creation);
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, 6);
    H5Pset_fletcher32(creation);
  };
  for (const Storage& storage :
       std::vector<Storage>{{"contiguous.h5", false, H5T_STD_U16LE, plain},
                            {"compact.h5", false, H5T_STD_I64BE,
                             [](hid_t creation) { H5Pset_layout(creation, H5D_COMPACT); }},
                            {"chunked.h5", false, H5T_STD_I32LE, chunk},
                            {"filtered.h5", false, H5T_STD_I32LE, filtered},
                            {"latest.h5", true, H5T_STD_U32LE, filtered}}) {
    write_tokens(folder / storage.name, storage);
  }
  write_samples(folder / "samples.h5");
}

void put_texts(hid_t object, const char* name, const std::vector<const char*>& texts, bool scalar) {
  const hsize_t extent = texts.size();
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t space = scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, nullptr);
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, texts.data());
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

void put_field(hid_t table, const char* name, hid_t type, const void* values, const char* units) {
  const hsize_t extent = 2;
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t set = H5Dcreate2(table, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  put_texts(set, "units", {units}, true);
  put_texts(set, "long_name", {"What it is."}, true);
  put_texts(set, "axes", {"unit"}, false);
  H5Dclose(set);
  H5Sclose(space);
}

/// A table of two units in the format that HDF5 writes by default. It has no checksums, so that
/// mutations reach further than in the project's own files.
void write_without_checksums(const fs::path& path, const char* schema) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  put_texts(file, "schema", {schema}, true);
  put_texts(file, "schema_version", {"2"}, true);
  const hid_t table = H5Gcreate2(file, "scores", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put_texts(table, "long_name", {"Scores."}, true);
  const std::string keys = archive::sample::key(0) + archive::sample::key(1);
  const hid_t text = H5Tcopy(H5T_C_S1);
  H5Tset_size(text, keys.size() / 2);
  H5Tset_strpad(text, H5T_STR_NULLPAD);
  const std::int64_t orders[] = {0, 1};
  const double errors[] = {0.5, -1e-300};
  put_field(table, "unit_key", text, keys.data(), "");
  put_field(table, "unit_order", H5T_STD_I64LE, orders, "1");
  put_field(table, "error", H5T_IEEE_F64LE, errors, "nat");
  H5Tclose(text);
  H5Gclose(table);
  H5Fclose(file);
}

/// The same as an archive, sealed.
void write_archive_without_checksums(const fs::path& path) {
  write_without_checksums(path, "gainsweep archive");
  const std::string image = archive::sample::file_bytes(path);
  archive::sample::put_bytes(path, archive::sample::sealed(image));
}

/// Tables of three points that share units; one has a vector of another length.
std::vector<archive::Table> sweep_tables() {
  archive::Gathering gathering;
  for (const std::uint64_t point : {0, 1, 2}) {
    auto other = archive::sample::record(2);
    other.fields.front().values = std::vector<double>{0.5};
    other.fields.front().shape = {1};
    std::vector<archive::Record> records{archive::sample::record(0),
                                         archive::sample::record(point)};
    if (point == 0) records.pop_back();
    if (point == 2) records = {other};
    gathering.add({{{"seed", std::to_string(point)}}, {{"spec", "s"}}, archive::stack(records)});
  }
  return std::move(gathering).finish();
}

/// Two items of two choices, or two documents of two windows.
void write_items(const fs::path& path, const char* kind) {
  const bool is_rolling = std::string(kind) == "rolling";
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const std::vector<std::pair<const char*, const char*>> texts{{"schema", "gainsweep items"},
                                                               {"schema_version", "1"},
                                                               {"task", "made-up"},
                                                               {"variant", ""},
                                                               {"kind", kind},
                                                               {"length", "4"},
                                                               {"bos", "auto"},
                                                               {"prefix_token", "1"},
                                                               {"shots", "0"},
                                                               {"raw_sha256", "0"},
                                                               {"tokenizer_sha256", "1"},
                                                               {"dropped", "0"},
                                                               {"vocabulary", "512"}};
  for (const auto& [name, text] : texts) put_texts(file, name, {text}, true);
  put_numbers(file, "tokens", H5T_STD_I32LE, {1, 5, 9, 1, 5, 7, 2, 1, 8, 1, 8, 3});
  const hid_t request = H5Gcreate2(file, "request", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put_numbers(request, "offset", H5T_STD_I64LE, {0, 3, 7, 9, 12});
  put_numbers(request, "item", H5T_STD_I64LE, {0, 0, 1, 1});
  put_numbers(request, "choice", H5T_STD_I64LE, {0, 1, 0, 1});
  put_numbers(request, "start", H5T_STD_I64LE, {2, 2, 1, 1});
  put_numbers(request, "bytes", H5T_STD_I64LE, {3, 4, 2, 5});
  put_numbers(request, "characters", H5T_STD_I64LE, {3, 4, 2, 4});
  H5Gclose(request);
  const hid_t item = H5Gcreate2(file, "item", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  put_numbers(item, "label", H5T_STD_I64LE,
              is_rolling ? std::vector<std::int64_t>{-1, -1} : std::vector<std::int64_t>{1, 0});
  put_numbers(item, "requests", H5T_STD_I64LE, {2, 2});
  put_numbers(item, "bytes", H5T_STD_I64LE, {20, 30});
  put_numbers(item, "words", H5T_STD_I64LE, {4, 5});
  H5Gclose(item);
  H5Fclose(file);
}

void put_scaling(hid_t object, const char* name, const std::vector<double>& numbers) {
  const hsize_t extent = numbers.size();
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t attribute = H5Acreate2(object, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_DOUBLE, numbers.data());
  H5Aclose(attribute);
  H5Sclose(space);
}

/// A file of samples without any, and its group of inputs.
std::pair<hid_t, hid_t> begin_samples(const fs::path& path) {
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  put_texts(file, "kind", {"samples"}, true);
  return {file, H5Gcreate2(file, "inputs", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)};
}

void put_rows(hid_t parent, const char* name, hid_t type, const std::vector<hsize_t>& shape,
              const std::vector<double>& values, const std::vector<double>& scale = {}) {
  const hid_t space = H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  if (!scale.empty()) {
    H5Pset_chunk(creation, static_cast<int>(shape.size()), shape.data());
    H5Pset_deflate(creation, 6);
  }
  const hid_t set = H5Dcreate2(parent, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  if (!scale.empty()) {
    put_scaling(set, "scale", scale);
    put_scaling(set, "offset", {-0.5});
  }
  H5Dclose(set);
  H5Pclose(creation);
  H5Sclose(space);
}

/// Bytes that are reals, with classes.
void write_images(const fs::path& path) {
  const auto [file, inputs] = begin_samples(path);
  put_rows(inputs, "x", H5T_STD_U8LE, {2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255},
           {0.5, 0.25, 2});
  put_numbers(file, "labels", H5T_STD_U8LE, {7, 0});
  H5Gclose(inputs);
  H5Fclose(file);
}

/// Indices with reals of two sizes, and a class for some of the places.
void write_texts(const fs::path& path) {
  const auto [file, inputs] = begin_samples(path);
  put_rows(inputs, "input_ids", H5T_STD_I32LE, {2, 3}, {1, 5, 9, 1, 7, 0});
  put_rows(inputs, "bias", H5T_IEEE_F32LE, {2, 3}, {0, 0, 0, 0, 0, -1e9});
  put_rows(inputs, "weight", H5T_IEEE_F64BE, {2}, {0.5, 1});
  put_rows(file, "labels", H5T_STD_I64LE, {2, 3}, {-100, 5, -100, 3, 7, -100});
  H5Gclose(inputs);
  H5Fclose(file);
}

/// Queries with their candidates.
void write_groups(const fs::path& path) {
  const auto [file, inputs] = begin_samples(path);
  put_rows(inputs, "input_ids", H5T_STD_U16BE, {5, 2}, {1, 5, 9, 1, 7, 0, 4, 4, 2, 1});
  put_numbers(file, "offset", H5T_STD_I64LE, {0, 2, 5});
  put_numbers(file, "labels", H5T_STD_I64LE, {0, 1});
  H5Gclose(inputs);
  H5Fclose(file);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const fs::path folder = argv[1];
  for (const char* target : {"archive", "items", "parts", "samples", "tokens"}) {
    fs::remove_all(folder / target);
    fs::create_directories(folder / target);
  }
  archive::write(folder / "archive/small.h5", archive::sample::small());
  archive::write(folder / "archive/random.h5", archive::sample::random(3));
  archive::write(folder / "archive/empty.h5", {});
  archive::write(folder / "archive/sweep.h5", {{{"program", "1"}}, {}, sweep_tables()});
  const archive::sample::Folder run;
  archive::PartWriter writer(run.path());
  writer.add(archive::sample::record(0));
  writer.add(archive::sample::record(1));
  writer.flush();
  fs::copy_file(run.path() / "parts" / writer.written().front(), folder / "parts/two.h5");
  write_without_checksums(folder / "parts/plain.h5", "gainsweep part");
  write_archive_without_checksums(folder / "archive/plain.h5");
  write_token_files(folder / "tokens");
  write_items(folder / "items/choice.h5", "choice");
  write_items(folder / "items/rolling.h5", "rolling");
  write_images(folder / "samples/images.h5");
  write_texts(folder / "samples/texts.h5");
  write_groups(folder / "samples/groups.h5");
}
