#include "archive/samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "../throws.hpp"
#include "sample.hpp"

namespace gainsweep::archive {
namespace {

using sample::Folder;
using testing::HasSubstr;
using Numbers = std::vector<std::int64_t>;
using Reals = std::vector<float>;

/// A dataset as a test writes it: doubles, which the library converts to the stored type.
struct Dataset {
  std::string path;
  std::vector<hsize_t> shape;
  std::vector<double> values;
  hid_t type = H5T_STD_I32LE;
  std::vector<std::pair<const char*, std::vector<double>>> attributes{};
  std::vector<hsize_t> chunk{};
};

void put_numbers(hid_t object, const char* name, const std::vector<double>& numbers) {
  const hsize_t extent = numbers.size();
  const hid_t space = extent == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &extent, nullptr);
  const hid_t attribute = H5Acreate2(object, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, H5T_NATIVE_DOUBLE, numbers.data());
  H5Aclose(attribute);
  H5Sclose(space);
}

void put_text(hid_t object, const char* name, const char* text) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  const hid_t space = H5Screate(H5S_SCALAR);
  const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  H5Awrite(attribute, type, &text);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
}

void put(hid_t file, const Dataset& written) {
  const hid_t links = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
  if (!written.chunk.empty()) {
    H5Pset_chunk(creation, static_cast<int>(written.chunk.size()), written.chunk.data());
    H5Pset_deflate(creation, 1);
  }
  const hid_t space =
      H5Screate_simple(static_cast<int>(written.shape.size()), written.shape.data(), nullptr);
  const hid_t dataset =
      H5Dcreate2(file, written.path.c_str(), written.type, space, links, creation, H5P_DEFAULT);
  const auto count =
      std::accumulate(written.shape.begin(), written.shape.end(), hsize_t{1}, std::multiplies{});
  ASSERT_EQ(count, written.values.size()) << written.path;
  if (H5Tget_class(written.type) == H5T_ENUM) {
    const std::vector<std::int8_t> bytes(written.values.begin(), written.values.end());
    H5Dwrite(dataset, written.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data());
  } else if (count > 0) {
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, written.values.data());
  }
  for (const auto& [name, numbers] : written.attributes) put_numbers(dataset, name, numbers);
  H5Dclose(dataset);
  H5Sclose(space);
  H5Pclose(creation);
  H5Pclose(links);
}

/// A real type of two bytes, as numpy's float16.
hid_t half() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

hid_t boolean() {
  const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
  const std::int8_t no = 0;
  const std::int8_t yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

std::vector<double> counted(std::size_t count) {
  std::vector<double> values(count);
  std::iota(values.begin(), values.end(), 0.0);
  return values;
}

class Samples : public testing::Test {
 protected:
  std::filesystem::path write(const std::vector<Dataset>& datasets, const char* kind = "samples") {
    const auto path = folder_ / "s.h5";
    const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (kind != nullptr) put_text(file, "kind", kind);
    for (const auto& dataset : datasets) put(file, dataset);
    H5Fclose(file);
    return path;
  }

  SampleRows read(const std::vector<Dataset>& datasets) {
    return read_samples({write(datasets)}).front();
  }

  Rows input(const Dataset& dataset) { return read({dataset}).inputs.front(); }

  std::string refused(const std::vector<Dataset>& datasets, const char* kind = "samples") {
    const auto path = write(datasets, kind);
    try {
      read_samples({path});
    } catch (const Error& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(path.string() + ": "));
      return error.kind() == ErrorKind::input ? error.what() : "wrong kind";
    }
    return "accepted";
  }

  Folder folder_;
};

TEST_F(Samples, IntegersOfAnyTypeAreIndices) {
  for (const hid_t type : {H5T_STD_I8LE, H5T_STD_U8LE, H5T_STD_I16BE, H5T_STD_U16LE, H5T_STD_I32LE,
                           H5T_STD_U32BE, H5T_STD_I64LE, H5T_STD_U64LE})
    EXPECT_EQ(input({"inputs/x", {3, 2}, {0, 1, 127, 3, 4, 5}, type}),
              (Rows{"x", {2}, Numbers{0, 1, 127, 3, 4, 5}}));
  EXPECT_EQ(input({"inputs/x", {2}, {-7, 8}}), (Rows{"x", {}, Numbers{-7, 8}}));
}

TEST_F(Samples, BooleansAreZeroAndOne) {
  EXPECT_EQ(input({"inputs/mask", {2, 2}, {1, 0, 0, 1}, boolean()}),
            (Rows{"mask", {2}, Numbers{1, 0, 0, 1}}));
  EXPECT_THAT(refused({{"inputs/mask", {2, 2}, {1, 0, 2, 1}, boolean()}}),
              HasSubstr("'inputs/mask': value [1, 0] is 2, no boolean"));
}

TEST_F(Samples, RealsOfAnySizeAreRoundedToSinglePrecision) {
  const std::vector<double> exact{0.5, -2, 65504, 0.0000152587890625};
  for (const hid_t type : {half(), H5T_IEEE_F32BE, H5T_IEEE_F32LE, H5T_IEEE_F64BE})
    EXPECT_EQ(input({"inputs/x", {2, 2}, exact, type}),
              (Rows{"x", {2}, Reals(exact.begin(), exact.end())}));
  EXPECT_EQ(std::get<Reals>(input({"inputs/x", {2}, {0.1, 1e-300}, H5T_IEEE_F64LE}).values),
            (Reals{0.1F, 0.0F}));
}

TEST_F(Samples, ScalesMakeRealsOfIntegers) {
  const auto values = counted(2 * 3 * 2);
  const auto scaled = [&](const std::vector<double>& scale, const std::vector<double>& offset) {
    return input(
        {"inputs/x", {2, 3, 2}, values, H5T_STD_U8LE, {{"scale", scale}, {"offset", offset}}});
  };
  const auto expected = [&](const std::vector<double>& scale, const std::vector<double>& offset) {
    Reals reals;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t channel = i / 2 % 3;
      const double product = values[i] * scale[scale.size() == 1 ? 0 : channel];
      reals.push_back(static_cast<float>(product + offset[offset.size() == 1 ? 0 : channel]));
    }
    return Rows{"x", {3, 2}, reals};
  };
  const std::vector<double> scale{1 / (255 * 0.229), -1 / (255 * 0.224), 1e-9};
  const std::vector<double> offset{-0.485 / 0.229, -0.456 / 0.224, 3};
  EXPECT_EQ(scaled(scale, offset), expected(scale, offset));
  EXPECT_EQ(scaled({0.1}, offset), expected({0.1}, offset));
  EXPECT_EQ(scaled({0.1}, {-0.3}), expected({0.1}, {-0.3}));
  EXPECT_EQ(input({"inputs/x", {2}, {1, 0}, boolean(), {{"scale", {2}}, {"offset", {-1}}}}),
            (Rows{"x", {}, Reals{1, -1}}));
}

// Rows are read some at a time, in whole chunks.
TEST_F(Samples, ChunksOfAnyFormAreReadWhole) {
  const std::size_t rows = 211, channels = 5, width = 131;
  const auto values = counted(rows * channels * width);
  const Rows expected{"x", {5, 131}, Reals(values.begin(), values.end())};
  for (const std::vector<hsize_t>& chunk : std::vector<std::vector<hsize_t>>{
           {}, {1, 5, 131}, {7, 2, 100}, {100, 5, 131}, {150, 1, 1}, {211, 5, 131}})
    EXPECT_EQ(input({"inputs/x",
                     {rows, channels, width},
                     values,
                     H5T_STD_U32LE,
                     {{"scale", {1}}, {"offset", {0}}},
                     chunk}),
              expected);
}

TEST_F(Samples, InputsAreSortedAndRowsAreSamples) {
  const auto found = read({{"inputs/x", {2, 1}, {0.5, 1}, H5T_IEEE_F32LE},
                           {"inputs/ids", {2, 2}, {1, 2, 3, 4}},
                           {"inputs/a.b", {2}, {2, 3}, H5T_IEEE_F64LE},
                           {"inputs/mask", {2, 1}, {5, 6}},
                           {"labels", {2}, {7, 0}, H5T_STD_U8LE}});
  EXPECT_EQ(found.inputs, (std::vector<Rows>{{"a.b", {}, Reals{2, 3}},
                                             {"ids", {2}, Numbers{1, 2, 3, 4}},
                                             {"mask", {1}, Numbers{5, 6}},
                                             {"x", {1}, Reals{0.5, 1}}}));
  EXPECT_EQ(found.labels, (Rows{"labels", {}, Numbers{7, 0}}));
  EXPECT_EQ(found.num_rows(), 2);
  EXPECT_EQ(found.num_samples(), 2);
  EXPECT_FALSE(read({{"inputs/x", {2}, {1, 2}}}).labels);
}

TEST_F(Samples, LabelsOfPlacesMayBeAbsent) {
  const Dataset x{"inputs/x", {2}, {1, 2}};
  EXPECT_EQ(read({x, {"labels", {2, 3}, {-100, 4, -100, 0, 1, 2}}}).labels,
            (Rows{"labels", {3}, Numbers{-100, 4, -100, 0, 1, 2}}));
  EXPECT_THAT(refused({x, {"labels", {2, 2}, {-100, 4, 3, -1}}}),
              HasSubstr("'labels'[1, 1] is -1. Store classes from 0 on, and -100 where"));
  EXPECT_THAT(refused({x, {"labels", {2, 2}, {3, 4, -100, -100}}}),
              HasSubstr("row 1 of 'labels' has no label that counts"));
}

TEST_F(Samples, GroupsOfRowsAreSamples) {
  const Dataset x{"inputs/x", {5}, counted(5)};
  const auto found = read({x, {"offset", {3}, {0, 2, 5}}, {"labels", {2}, {0, 1}}});
  EXPECT_EQ(found.offsets, (Numbers{0, 2, 5}));
  EXPECT_EQ(found.labels, (Rows{"labels", {}, Numbers{0, 1}}));
  EXPECT_EQ(found.num_samples(), 2);
  EXPECT_EQ(found.num_rows(), 5);
  EXPECT_EQ(read({x, {"offset", {2}, {0, 5}}}).num_samples(), 1);
}

TEST_F(Samples, GroupsThatDoNotFitAreNamed) {
  const auto with = [&](const std::vector<double>& offsets, const std::vector<double>& labels) {
    return refused({{"inputs/x", {5}, counted(5)},
                    {"offset", {offsets.size()}, offsets, H5T_STD_I64LE},
                    {"labels", {labels.size()}, labels}});
  };
  EXPECT_THAT(with({0}, {1}), HasSubstr("'offset' has 1 entries. Store the first row"));
  EXPECT_THAT(with({1, 5}, {1}), HasSubstr("'offset': entry 0 is 1. The first sample begins at 0"));
  EXPECT_THAT(with({0, 4, 5}, {0, 0}),
              HasSubstr("entry 2 is 5 behind 4 (a sample has a query and a candidate at least)"));
  EXPECT_THAT(with({0, 3, 2, 5}, {0, 0, 0}), HasSubstr("entry 2 is 2 behind 3"));
  EXPECT_THAT(with({0, 2}, {0}), HasSubstr("entry 1 is 2, and there are 5 rows"));
  EXPECT_THAT(with({0, 7}, {0}), HasSubstr("entry 1 is 7, and there are 5 rows"));
  EXPECT_THAT(with({0, 2, 5}, {0}), HasSubstr("'labels' is of 1 samples, and there are 2"));
  EXPECT_THAT(with({0, 2, 5}, {0, 2}),
              HasSubstr("'labels'[1] is 2, and sample 1 has 2 candidates"));
  EXPECT_THAT(with({0, 2, 5}, {-100, 0}), HasSubstr("'labels'[0] is -100, and sample 0 has 1"));
  EXPECT_THAT(
      refused({{"inputs/x", {2}, {1, 2}}, {"offset", {2}, {0, 2}}, {"labels", {1, 1}, {0}}}),
      HasSubstr("'labels' has 2 dimensions. Store one label a sample"));
}

TEST_F(Samples, LabelsThatDoNotFitAreNamed) {
  const Dataset x{"inputs/x", {2}, {1, 2}};
  EXPECT_THAT(refused({x, {"labels", {2}, {3, -1}}}), HasSubstr("'labels'[1] is -1. Store"));
  EXPECT_THAT(refused({x, {"labels", {2}, {-100, 1}}}), HasSubstr("'labels'[0] is -100. Store"));
  EXPECT_THAT(refused({x, {"labels", {3}, {0, 1, 2}}}),
              HasSubstr("'labels' is of 3 rows, and there are 2"));
  EXPECT_THAT(refused({x, {"labels", {1, 1, 2}, {0, 1}}}), HasSubstr("'labels' has 3 dimensions"));
  EXPECT_THAT(refused({x, {"labels", {2}, {0, 1}, H5T_IEEE_F32LE}}),
              HasSubstr("'labels': it holds reals. Store classes as integers"));
  EXPECT_THAT(refused({x, {"labels", {0}, {}}}), HasSubstr("'labels': it holds no value"));
  EXPECT_THAT(refused({x, {"labels/x", {2}, {0, 1}}}), HasSubstr("'labels': it is a group"));
  EXPECT_THAT(refused({x, {"offset/x", {2}, {0, 1}}}), HasSubstr("'offset' is a group"));
}

TEST_F(Samples, FilesOfAnotherKindAreNamed) {
  const Dataset x{"inputs/x", {2}, {1, 2}};
  EXPECT_THAT(refused({x}, nullptr), HasSubstr("it has no attribute 'kind', which is 'samples'"));
  EXPECT_THAT(refused({x}, "items"), HasSubstr("attribute 'kind' is 'items', not 'samples'"));
  EXPECT_THAT(refused({}), HasSubstr("it has no group 'inputs'"));
  EXPECT_THAT(refused({{"inputs", {2}, {1, 2}}}), HasSubstr("it has no group 'inputs'"));
  EXPECT_THAT(refused({x, {"label", {2}, {1, 2}}}),
              HasSubstr("it has 'label', and the names that mean something are inputs, labels"));
  EXPECT_THAT(refused({{"inputs/deep/x", {2}, {1, 2}}}), HasSubstr("'inputs/deep': it is a group"));
  sample::put_bytes(folder_ / "t.h5", "x,y\n1,2\n");
  EXPECT_ERROR(read_samples({folder_ / "t.h5"}), ErrorKind::input,
               "t.h5: it is not an HDF5 file. Make it with `python -m gainsweep_analysis samples`");
  EXPECT_ERROR(read_samples({folder_ / "none.h5"}), ErrorKind::input, "none.h5 cannot be read");
}

TEST_F(Samples, InputsThatDoNotFitAreNamed) {
  EXPECT_THAT(refused({{"inputs/x", {2}, {1, 2}}, {"inputs/y", {3}, {1, 2, 3}}}),
              HasSubstr("'inputs/y' has 3 rows and 'inputs/x' 2. Store as many of each"));
  EXPECT_THAT(refused({{"inputs/x", {}, {1}}}), HasSubstr("'inputs/x': it is a single value"));
  EXPECT_THAT(refused({{"inputs/x", {2, 0}, {}}}), HasSubstr("'inputs/x': it holds no value"));
  EXPECT_THAT(refused({{"inputs/x", {0}, {}}}), HasSubstr("'inputs/x': it holds no value"));
  EXPECT_THAT(refused({{"inputs/x", {1}, {2}, H5T_NATIVE_LDOUBLE}}),
              HasSubstr("'inputs/x': it holds reals of more than 8 bytes"));
}

TEST_F(Samples, RealsThatAreNotFiniteAreNamedWithTheirPlace) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinite = std::numeric_limits<double>::infinity();
  EXPECT_THAT(refused({{"inputs/x", {2, 2, 2}, {0, 1, 2, 3, 4, nan, 6, 7}, H5T_IEEE_F32LE}}),
              HasSubstr("'inputs/x': value [1, 0, 1] is nan, no finite number of fp32"));
  EXPECT_THAT(refused({{"inputs/x", {2}, {0, -infinite}, half()}}),
              HasSubstr("'inputs/x': value [1] is -inf"));
  EXPECT_THAT(refused({{"inputs/x", {1, 1}, {1e39}, H5T_IEEE_F64LE}}),
              HasSubstr("'inputs/x': value [0, 0] is 1e+39"));
  EXPECT_THAT(
      refused({{"inputs/x", {2}, {0, 2}, H5T_STD_U8LE, {{"scale", {1e38}}, {"offset", {2e38}}}}}),
      HasSubstr("'inputs/x': value [1] is 4e+38"));
}

TEST_F(Samples, ScalesThatDoNotFitAreNamed) {
  using Attributes = decltype(Dataset::attributes);
  const auto with = [&](const Attributes& attributes, hid_t type = H5T_STD_U8LE) {
    return refused({{"inputs/x", {1, 3, 2}, counted(6), type, attributes}});
  };
  EXPECT_EQ(with({{"scale", {1}}, {"offset", {0, 0, 0}}}), "accepted");
  EXPECT_THAT(with({{"scale", {1}}}), HasSubstr("'inputs/x': it has no attribute 'offset'. Store"));
  EXPECT_THAT(with({{"offset", {1}}}), HasSubstr("it has no attribute 'scale'"));
  EXPECT_THAT(with({{"scale", {1}}, {"offset", {0}}}, H5T_IEEE_F32LE),
              HasSubstr("'inputs/x': it holds reals and has an attribute 'scale' or 'offset'"));
  EXPECT_THAT(with({{"scale", {1, 2}}, {"offset", {0}}}),
              HasSubstr("attribute 'scale' holds 2 numbers. Store one, or one for each of the 3"));
  EXPECT_THAT(with({{"scale", {1, 2, 3, 4}}, {"offset", {0}}}),
              HasSubstr("attribute 'scale' holds 4 numbers, and 3 are the most"));
  EXPECT_THAT(with({{"scale", {1, 0, 2}}, {"offset", {0}}}),
              HasSubstr("attribute 'scale' has 0, which"));
  EXPECT_THAT(with({{"scale", {1}}, {"offset", {NAN}}}),
              HasSubstr("attribute 'offset' has nan, which"));
  const auto path = write({{"inputs/x", {2}, {1, 2}}});
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t dataset = H5Dopen2(file, "inputs/x", H5P_DEFAULT);
  put_text(dataset, "scale", "1");
  put_text(dataset, "offset", "0");
  H5Dclose(dataset);
  H5Fclose(file);
  EXPECT_ERROR(read_samples({path}), ErrorKind::input,
               "'inputs/x': attribute 'scale' holds no numbers");
}

// Zeros are compressed so far that a small file can ask for more memory than there is.
TEST_F(Samples, WhatTakesMoreThanTheMachinesMemoryIsRefusedBeforeItIsRead) {
  const auto memory = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(::sysconf(_SC_PAGE_SIZE));
  constexpr hsize_t chunk = hsize_t{1} << 26;
  const hsize_t extent = (memory / sizeof(std::int64_t) / chunk + 1) * chunk;
  const auto path =
      write({{"inputs/x", {chunk}, std::vector<double>(chunk), H5T_STD_U8LE, {}, {chunk}}});
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t small = H5Dopen2(file, "inputs/x", H5P_DEFAULT);
  hsize_t bytes = 0;
  const hsize_t start = 0;
  H5Dget_chunk_storage_size(small, &start, &bytes);
  std::vector<std::byte> packed(bytes);
  std::uint32_t filters = 0;
  ASSERT_GE(H5Dread_chunk(small, H5P_DEFAULT, &start, &filters, packed.data()), 0);
  const hid_t creation = H5Dget_create_plist(small);
  const hid_t space = H5Screate_simple(1, &extent, nullptr);
  const hid_t large =
      H5Dcreate2(file, "inputs/y", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
  for (hsize_t place = 0; place < extent; place += chunk)
    ASSERT_GE(H5Dwrite_chunk(large, H5P_DEFAULT, filters, &place, bytes, packed.data()), 0);
  H5Dclose(large);
  H5Dclose(small);
  H5Ldelete(file, "inputs/x", H5P_DEFAULT);
  H5Fclose(file);
  EXPECT_ERROR(read_samples({path}), ErrorKind::input,
               "'inputs/y': its " + std::to_string(extent) + " values take more memory than");
}

TEST_F(Samples, TruncatedFilesAreRefused) {
  const auto path =
      write({{"inputs/x", {3, 2}, counted(6), H5T_STD_U8LE, {{"scale", {1}}, {"offset", {0, 1}}}},
             {"inputs/y", {3}, counted(3), H5T_IEEE_F32LE},
             {"labels", {3}, counted(3)}});
  const std::string bytes = sample::file_bytes(path);
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    sample::put_bytes(path, bytes.substr(0, size));
    EXPECT_ERROR(read_samples({path}), ErrorKind::input, "s.h5: ");
  }
}

TEST_F(Samples, OneChildReadsSeveralFiles) {
  const auto first = folder_ / "first.h5";
  std::filesystem::rename(write({{"inputs/x", {2}, {1, 2}}}), first);
  const auto second = write({{"inputs/y", {1, 1}, {0.5}, H5T_IEEE_F32LE}});
  const auto both = read_samples({first, second, first});
  ASSERT_EQ(both.size(), 3U);
  EXPECT_EQ(both[0].inputs.front(), (Rows{"x", {}, Numbers{1, 2}}));
  EXPECT_EQ(both[1].inputs.front(), (Rows{"y", {1}, Reals{0.5}}));
  EXPECT_EQ(both[2], both[0]);
}

}  // namespace
}  // namespace gainsweep::archive
