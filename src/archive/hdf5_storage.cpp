#include <algorithm>
#include <array>

#include "archive/hdf5.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

/// Where and how the values of a dataset are stored.
namespace gainsweep::archive::hdf5 {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::input, why);
}

Properties creation_of(const Dataset& dataset) {
  return Properties(checked(H5Dget_create_plist(dataset.id()), "H5Dget_create_plist"));
}

std::vector<hsize_t> chunk_of(const Properties& creation, std::size_t rank) {
  std::vector<hsize_t> chunk(rank);
  checked(H5Pget_chunk(creation.id(), static_cast<int>(rank), chunk.data()), "H5Pget_chunk");
  return chunk;
}

std::size_t size_of_file(const Dataset& dataset) {
  const File file(checked(H5Iget_file_id(dataset.id()), "H5Iget_file_id"));
  hsize_t bytes = 0;
  checked(H5Fget_filesize(file.id(), &bytes), "H5Fget_filesize");
  return bytes;
}

/// The number of chunks that hold an extent, 0 where that is more than any file has.
hsize_t chunks_wanted(const std::vector<std::size_t>& shape, const std::vector<hsize_t>& chunk) {
  hsize_t wanted = 1;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (chunk[d] == 0) refuse("its chunks have no size");
    const hsize_t along = shape[d] / chunk[d] + (shape[d] % chunk[d] == 0 ? 0 : 1);
    if (__builtin_mul_overflow(wanted, along, &wanted)) return 0;
  }
  return wanted;
}

/// Error(input) unless a file holds as many chunks as the extent of a chunked dataset asks for: an
/// extent that was damaged would otherwise be filled up with zeros, in any amount of memory.
void check_chunks(const Dataset& dataset) {
  const Properties creation = creation_of(dataset);
  if (H5Pget_layout(creation.id()) != H5D_CHUNKED) return;
  const std::vector<std::size_t> shape = shape_of(dataset);
  const hsize_t wanted = chunks_wanted(shape, chunk_of(creation, shape.size()));
  const Space space(checked(H5Dget_space(dataset.id()), "H5Dget_space"));
  hsize_t found = 0;
  checked(H5Dget_num_chunks(dataset.id(), space.id(), &found), "H5Dget_num_chunks");
  if (found == wanted) return;
  if (found < wanted) {
    refuse("only " + std::to_string(found) + " of the " + std::to_string(wanted) +
           " chunks of its extent were ever written. Write all of it and close the file");
  }
  refuse("its extent and the " + std::to_string(found) +
         " chunks stored for it do not fit together. Copy the file again or write it anew");
}

}  // namespace

void check_own_storage(const Dataset& dataset) {
  constexpr const char* way_out =
      ": they are not read. Store the values in the file itself (h5py: file['name'] = values)";
  const Properties creation = creation_of(dataset);
  if (H5Pget_layout(creation.id()) == H5D_VIRTUAL) {
    refuse(std::string("its values lie in other files (virtual storage)") + way_out);
  }
  if (checked(H5Pget_external_count(creation.id()), "H5Pget_external_count") > 0) {
    refuse(std::string("its values lie in other files (external storage)") + way_out);
  }
}

void check_filters(const Dataset& dataset) {
  const Properties creation = creation_of(dataset);
  const int filters = checked(H5Pget_nfilters(creation.id()), "H5Pget_nfilters");
  for (int place = 0; place < filters; ++place) {
    std::array<char, 64> name{};
    unsigned flags = 0;
    std::size_t parameters = 0;
    unsigned configuration = 0;
    const auto filter =
        checked(H5Pget_filter2(creation.id(), static_cast<unsigned>(place), &flags, &parameters,
                               nullptr, name.size() - 1, name.data(), &configuration),
                "H5Pget_filter2");
    if (H5Zfilter_avail(filter) > 0) continue;
    const std::string known(name.data());
    const bool printable = std::none_of(known.begin(), known.end(), is_control);
    refuse("its values went through the filter " + std::to_string(filter) +
           (known.empty() || !printable ? "" : " (" + known + ")") +
           ", which this HDF5 library lacks. Write it with compression 'gzip' or none, or convert "
           "the file: h5repack -f GZIP=4 OLD NEW, where the filter is installed");
  }
}

std::size_t rows_of_chunk(const Dataset& dataset) {
  const Properties creation = creation_of(dataset);
  if (H5Pget_layout(creation.id()) != H5D_CHUNKED) return 1;
  return chunk_of(creation, shape_of(dataset).size()).at(0);
}

std::size_t count_stored(const Dataset& dataset, std::size_t element_bytes) {
  // deflate reaches 1032 : 1 at most
  constexpr std::size_t largest_ratio = 1100;
  std::size_t count = 1;
  std::size_t bytes = element_bytes;
  bool overflow = false;
  for (const std::size_t extent : shape_of(dataset)) {
    count *= extent;
    overflow = overflow || __builtin_mul_overflow(bytes, extent, &bytes);
    if (extent == 0) return 0;
  }
  const std::size_t stored = H5Dget_storage_size(dataset.id());
  if (stored == 0) {
    refuse("no value of its extent was ever written. Write its values and close the file");
  }
  // Before chunks are counted, which takes as long as the extent is large.
  if (overflow || bytes / largest_ratio > stored || stored > size_of_file(dataset)) {
    refuse("its extent and the " + std::to_string(stored) +
           " bytes stored for it do not fit together. Copy the file again or write it anew");
  }
  check_chunks(dataset);
  return count;
}

}  // namespace gainsweep::archive::hdf5
