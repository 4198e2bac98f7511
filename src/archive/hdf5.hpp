#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// The HDF5 calls that the archive needs, each checked, with owned handles. Failures are
/// Error(input) with the library's own explanation: the writing side works in memory, so that only
/// what a file says can be wrong.
namespace gainsweep::archive::hdf5 {

/// Serialises the use of the library in this process (its builds are not all thread-safe, its
/// high-level part never is) and keeps it from printing. Hold one while any handle lives.
class Session {
 public:
  Session();

 private:
  static std::mutex& mutex();
  std::scoped_lock<std::mutex> lock_;
};

/// An owned HDF5 identifier.
template <herr_t (*Close)(hid_t)>
class Handle {
 public:
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) Close(id_);
  }
  hid_t id() const { return id_; }
  /// Gives the identifier up, for a close whose result matters.
  hid_t release() { return std::exchange(id_, -1); }

 private:
  hid_t id_;
};

using File = Handle<H5Fclose>;
using Group = Handle<H5Gclose>;
using Dataset = Handle<H5Dclose>;
using Space = Handle<H5Sclose>;
using Type = Handle<H5Tclose>;
using Attribute = Handle<H5Aclose>;
using Properties = Handle<H5Pclose>;

/// An identifier or status that HDF5 returned, or Error(input) naming the call and the innermost
/// reason on the library's error stack.
template <class Result>
Result checked(Result result, const char* call);
extern template hid_t checked(hid_t, const char*);
extern template int checked(int, const char*);

/// A file in memory under construction. `finish` closes it and returns its bytes.
class NewImage {
 public:
  NewImage();
  NewImage(const NewImage&) = delete;
  NewImage& operator=(const NewImage&) = delete;
  hid_t root() const { return file_.id(); }
  std::vector<std::byte> finish();

 private:
  std::vector<std::byte> bytes_;
  File file_;
};

/// Whether bytes have HDF5's signature where one may stand: at 0, 512, 1024, 2048, …
bool is_hdf5(std::span<const std::byte> bytes);

/// A file held in `bytes`, which must outlive the handle; read-only.
File open_image(std::span<const std::byte> bytes);

/// Types as stored: little-endian, strings of a fixed size, padded with zeros, UTF-8.
Type float64();
Type int64();
Type fixed_text(std::size_t size);

Space space_of(const std::vector<std::size_t>& shape);
std::vector<std::size_t> shape_of(const Dataset& dataset);

Group create_group(hid_t parent, const std::string& name);
Group open_group(hid_t parent, const std::string& name);
/// Error(input) as check_own_storage.
Dataset open_dataset(hid_t parent, const std::string& name);

/// Error(input) when a dataset's values lie in other files (external or virtual storage), which are
/// then neither opened nor read: a file of somebody else must not reach what its reader may read.
void check_own_storage(const Dataset& dataset);

/// A dataset without times; chunked with shuffle, deflate and Fletcher32 unless scalar or empty.
Dataset create_dataset(hid_t parent, const std::string& name, const Type& type,
                       const std::vector<std::size_t>& shape);
void write(const Dataset& dataset, const Type& type, const void* values);
/// Error(input) as check_filters where a filter is what is missing.
void read(const Dataset& dataset, const Type& type, void* values);
/// `count` rows from the row `first` on, a row being what one place of the first axis has.
void read_rows(const Dataset& dataset, const Type& type, std::size_t first, std::size_t count,
               void* values);
/// How many rows are stored as one piece; 1 unless the dataset is chunked.
std::size_t rows_of_chunk(const Dataset& dataset);
/// Error(input) when the values may have gone through a filter that this library lacks, naming it.
void check_filters(const Dataset& dataset);
Type type_of(const Dataset& dataset);
/// Number of elements of `element_bytes` each. Error(input) when the file does not hold them: never
/// or only partly written, or an extent that no compression explains.
std::size_t count_stored(const Dataset& dataset, std::size_t element_bytes);

/// Attributes are UTF-8 strings of variable length (h5py: `str`) or 64-bit integers.
void set_text(hid_t object, const std::string& name, const std::string& value);
void set_texts(hid_t object, const std::string& name, const std::vector<std::string>& values);
void set_integer(hid_t object, const std::string& name, std::int64_t value);
bool has_attribute(hid_t object, const std::string& name);
/// Error(input) for names with control characters.
std::vector<std::string> attribute_names(hid_t object);
/// A string attribute, or an integer one in decimal.
std::string text(hid_t object, const std::string& name);
std::vector<std::string> texts(hid_t object, const std::string& name);

/// The numbers of an attribute of any extent. Error(input) when it holds something else, or more
/// than `most` numbers.
std::vector<double> numbers(hid_t object, const std::string& name, std::size_t most);

/// A link of a group, the only one to its object. Soft, external and other links are none of ours:
/// Error(input).
struct Link {
  std::string name;
  bool is_group = false;  ///< a dataset otherwise
};
/// The links of a group in the order of their creation where it was tracked, else by name.
/// Error(input) for names with control characters and objects of several names.
std::vector<Link> links(hid_t group);

/// Dimension scales (H5DS).
void make_scale(const Dataset& dataset, const std::string& axis);
void attach_scale(const Dataset& dataset, const Dataset& scale, std::size_t dimension);
void label_dimension(const Dataset& dataset, std::size_t dimension, const std::string& axis);

}  // namespace gainsweep::archive::hdf5
