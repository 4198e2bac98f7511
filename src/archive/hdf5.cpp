#include "archive/hdf5.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <new>
#include <string_view>

#include "base/error.hpp"

namespace gainsweep::archive::hdf5 {
namespace {

/// Elements in a chunk are chosen so that a chunk stays below this many bytes.
constexpr std::size_t chunk_bytes = std::size_t{1} << 20;
/// Below this size compression costs more than it saves.
constexpr std::size_t deflate_from_bytes = 512;

/// Keeps the description of the innermost entry of the error stack, where the cause stands.
herr_t keep_innermost(unsigned, const H5E_error2_t* entry, void* description) {
  if (entry->desc != nullptr) *static_cast<std::string*>(description) = entry->desc;
  return 0;
}

std::string innermost_reason() {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_innermost, &reason);
  H5Eclear2(H5E_DEFAULT);
  return reason.empty() ? "no reason given" : reason;
}

/// The image callbacks of the in-memory driver put the file into a vector of ours: bytes that were
/// never written are zero, and the complete file remains after the close.
void* grow(void*, std::size_t size, H5FD_file_image_op_t, void* bytes) {
  auto& image = *static_cast<std::vector<std::byte>*>(bytes);
  try {
    image.resize(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  return image.data();
}

void* allocate(std::size_t size, H5FD_file_image_op_t operation, void* bytes) {
  return grow(nullptr, size, operation, bytes);
}

herr_t keep(void*, H5FD_file_image_op_t, void*) {
  return 0;
}
void* share(void* bytes) {
  return bytes;
}
herr_t forget(void*) {
  return 0;
}

Properties properties(hid_t of_class) {
  return Properties(checked(H5Pcreate(of_class), "H5Pcreate"));
}

File create_in(std::vector<std::byte>& bytes) {
  const Properties access = properties(H5P_FILE_ACCESS);
  H5FD_file_image_callbacks_t callbacks{allocate, nullptr, grow, keep, share, forget, &bytes};
  checked(H5Pset_file_image_callbacks(access.id(), &callbacks), "H5Pset_file_image_callbacks");
  constexpr std::size_t increment = 4096;
  checked(H5Pset_fapl_core(access.id(), increment, false), "H5Pset_fapl_core");
  checked(H5Pset_libver_bounds(access.id(), H5F_LIBVER_V110, H5F_LIBVER_V110),
          "H5Pset_libver_bounds");
  const Properties creation = properties(H5P_FILE_CREATE);
  checked(H5Pset_obj_track_times(creation.id(), false), "H5Pset_obj_track_times");
  checked(H5Pset_link_creation_order(creation.id(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
          "H5Pset_link_creation_order");
  return File(checked(H5Fcreate("image", H5F_ACC_TRUNC, creation.id(), access.id()), "H5Fcreate"));
}

/// Rows of a chunk fill up from the last dimension, so that a chunk is a contiguous range of rows.
std::vector<hsize_t> chunk_of(const std::vector<std::size_t>& shape, std::size_t element_bytes) {
  std::vector<hsize_t> chunk(shape.size(), 1);
  std::size_t left = std::max<std::size_t>(1, chunk_bytes / element_bytes);
  for (std::size_t d = shape.size(); d-- > 0;) {
    chunk[d] = std::min(shape[d], left);
    left = std::max<std::size_t>(1, left / chunk[d]);
  }
  return chunk;
}

Properties storage_of(const std::vector<std::size_t>& shape, std::size_t element_bytes) {
  Properties creation = properties(H5P_DATASET_CREATE);
  checked(H5Pset_obj_track_times(creation.id(), false), "H5Pset_obj_track_times");
  std::size_t bytes = element_bytes;
  for (const std::size_t extent : shape) bytes *= extent;
  if (shape.empty() || bytes == 0) return creation;
  const std::vector<hsize_t> chunk = chunk_of(shape, element_bytes);
  checked(H5Pset_chunk(creation.id(), static_cast<int>(chunk.size()), chunk.data()),
          "H5Pset_chunk");
  if (bytes >= deflate_from_bytes) {
    checked(H5Pset_shuffle(creation.id()), "H5Pset_shuffle");
    checked(H5Pset_deflate(creation.id(), 1), "H5Pset_deflate");
  }
  checked(H5Pset_fletcher32(creation.id()), "H5Pset_fletcher32");
  return creation;
}

void read_part(const Dataset& dataset, const Type& type, hid_t in_memory, hid_t in_file,
               void* values) {
  try {
    checked(H5Dread(dataset.id(), type.id(), in_memory, in_file, H5P_DEFAULT, values), "H5Dread");
  } catch (const Error&) {
    check_filters(dataset);
    throw;
  }
}

Properties utf8_names() {
  Properties creation = properties(H5P_LINK_CREATE);
  checked(H5Pset_char_encoding(creation.id(), H5T_CSET_UTF8), "H5Pset_char_encoding");
  return creation;
}

}  // namespace

Session::Session() : lock_(mutex()) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

std::mutex& Session::mutex() {
  static std::mutex one;
  return one;
}

template <class Result>
Result checked(Result result, const char* call) {
  if (result < 0) {
    throw Error(ErrorKind::input,
                std::string("HDF5 refused ") + call + " (" + innermost_reason() + ")");
  }
  return result;
}
template hid_t checked(hid_t, const char*);
template int checked(int, const char*);

NewImage::NewImage() : file_(create_in(bytes_)) {}

std::vector<std::byte> NewImage::finish() {
  checked(H5Fclose(file_.release()), "H5Fclose");
  return std::move(bytes_);
}

bool is_hdf5(std::span<const std::byte> bytes) {
  constexpr std::string_view signature = "\x89HDF\r\n\x1a\n";
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (std::size_t place = 0; place < text.size(); place = place == 0 ? 512 : 2 * place) {
    if (text.substr(place).starts_with(signature)) return true;
  }
  return false;
}

File open_image(std::span<const std::byte> bytes) {
  // The library takes a mutable pointer but, opened read-only and told to copy and free nothing,
  // only reads.
  constexpr unsigned flags = H5LT_FILE_IMAGE_DONT_COPY | H5LT_FILE_IMAGE_DONT_RELEASE;
  return File(
      checked(H5LTopen_file_image(const_cast<std::byte*>(bytes.data()), bytes.size(), flags),
              "H5LTopen_file_image"));
}

Type float64() {
  return Type(checked(H5Tcopy(H5T_IEEE_F64LE), "H5Tcopy"));
}
Type int64() {
  return Type(checked(H5Tcopy(H5T_STD_I64LE), "H5Tcopy"));
}

Type fixed_text(std::size_t size) {
  Type type(checked(H5Tcopy(H5T_C_S1), "H5Tcopy"));
  checked(H5Tset_size(type.id(), size), "H5Tset_size");
  checked(H5Tset_strpad(type.id(), H5T_STR_NULLPAD), "H5Tset_strpad");
  checked(H5Tset_cset(type.id(), H5T_CSET_UTF8), "H5Tset_cset");
  return type;
}

Space space_of(const std::vector<std::size_t>& shape) {
  if (shape.empty()) return Space(checked(H5Screate(H5S_SCALAR), "H5Screate"));
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  return Space(checked(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr),
                       "H5Screate_simple"));
}

std::vector<std::size_t> shape_of(const Dataset& dataset) {
  const Space space(checked(H5Dget_space(dataset.id()), "H5Dget_space"));
  if (H5Sget_simple_extent_type(space.id()) == H5S_NULL) {
    throw Error(ErrorKind::input, "a dataset has no extent");
  }
  const int rank = checked(H5Sget_simple_extent_ndims(space.id()), "H5Sget_simple_extent_ndims");
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  checked(H5Sget_simple_extent_dims(space.id(), extents.data(), nullptr),
          "H5Sget_simple_extent_dims");
  return {extents.begin(), extents.end()};
}

Group create_group(hid_t parent, const std::string& name) {
  const Properties creation = properties(H5P_GROUP_CREATE);
  checked(H5Pset_obj_track_times(creation.id(), false), "H5Pset_obj_track_times");
  checked(H5Pset_link_creation_order(creation.id(), H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED),
          "H5Pset_link_creation_order");
  return Group(
      checked(H5Gcreate2(parent, name.c_str(), utf8_names().id(), creation.id(), H5P_DEFAULT),
              "H5Gcreate2"));
}

Group open_group(hid_t parent, const std::string& name) {
  return Group(checked(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), "H5Gopen2"));
}

Dataset open_dataset(hid_t parent, const std::string& name) {
  Dataset dataset(checked(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), "H5Dopen2"));
  check_own_storage(dataset);
  return dataset;
}

Dataset create_dataset(hid_t parent, const std::string& name, const Type& type,
                       const std::vector<std::size_t>& shape) {
  const Properties storage = storage_of(shape, H5Tget_size(type.id()));
  const Space space = space_of(shape);
  return Dataset(checked(H5Dcreate2(parent, name.c_str(), type.id(), space.id(), utf8_names().id(),
                                    storage.id(), H5P_DEFAULT),
                         "H5Dcreate2"));
}

void write(const Dataset& dataset, const Type& type, const void* values) {
  checked(H5Dwrite(dataset.id(), type.id(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values), "H5Dwrite");
}

void read(const Dataset& dataset, const Type& type, void* values) {
  read_part(dataset, type, H5S_ALL, H5S_ALL, values);
}

void read_rows(const Dataset& dataset, const Type& type, std::size_t first, std::size_t count,
               void* values) {
  std::vector<std::size_t> shape = shape_of(dataset);
  shape.at(0) = count;
  const Space part = space_of(shape);
  const Space all(checked(H5Dget_space(dataset.id()), "H5Dget_space"));
  std::vector<hsize_t> start(shape.size(), 0);
  start[0] = first;
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  checked(
      H5Sselect_hyperslab(all.id(), H5S_SELECT_SET, start.data(), nullptr, extents.data(), nullptr),
      "H5Sselect_hyperslab");
  read_part(dataset, type, part.id(), all.id(), values);
}

Type type_of(const Dataset& dataset) {
  return Type(checked(H5Dget_type(dataset.id()), "H5Dget_type"));
}

void make_scale(const Dataset& dataset, const std::string& axis) {
  checked(H5DSset_scale(dataset.id(), axis.c_str()), "H5DSset_scale");
}

void attach_scale(const Dataset& dataset, const Dataset& scale, std::size_t dimension) {
  checked(H5DSattach_scale(dataset.id(), scale.id(), static_cast<unsigned>(dimension)),
          "H5DSattach_scale");
}

void label_dimension(const Dataset& dataset, std::size_t dimension, const std::string& axis) {
  checked(H5DSset_label(dataset.id(), static_cast<unsigned>(dimension), axis.c_str()),
          "H5DSset_label");
}

}  // namespace gainsweep::archive::hdf5
