#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/hdf5.hpp"

/// Reading HDF5 files that somebody else wrote: what is wrong is Error(input) with what is there
/// instead, without the file's name.
namespace gainsweep::archive {

using Numbers = std::vector<std::int64_t>;

/// What one kind of foreign file holds once it is decoded, as it goes through a pipe.
struct Decoded {
  std::vector<Numbers> arrays;
  std::vector<std::string> texts;
  std::vector<std::vector<float>> reals{};
};

[[noreturn]] void refuse(const std::string& why);

/// Refuses bytes of anything else with what they are, or with `advice`.
hdf5::File open_foreign(std::span<const std::byte> bytes, const std::string& advice);

/// The link of a name; null where there is none.
const hdf5::Link* find(const std::vector<hdf5::Link>& links, const std::string& name);

/// What the values of a class are, for messages.
std::string class_name(H5T_class_t type_class);

/// The integers of a one-dimensional dataset that is there, of any integer type. Messages name it
/// by `path`; `contents` is what its integers are, `form` what to store.
Numbers read_numbers(hid_t group, const std::string& name, const std::string& path,
                     const std::string& contents, const std::string& form);

/// How offsets of samples are named in messages.
struct OffsetWords {
  const char* path;   ///< the dataset that has them
  const char* parts;  ///< what they are places of: "tokens"
  const char* least;  ///< why two of those are the least that a sample has
};

/// Refuses offsets (one at least) that are not the first of `count` parts of each sample, with two
/// parts or more, and then `count`.
void check_offsets(const Numbers& offsets, std::size_t count, const OffsetWords& words);

}  // namespace gainsweep::archive
