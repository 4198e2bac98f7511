#include "archive/foreign_data.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/foreign.hpp"

namespace gainsweep::archive {
namespace {

Numbers read_numbers(const hdf5::Dataset& dataset, const std::string& contents,
                     const std::string& form) {
  const hdf5::Type type = hdf5::type_of(dataset);
  const H5T_class_t type_class = H5Tget_class(type.id());
  if (type_class != H5T_INTEGER) {
    refuse("it holds " + class_name(type_class) + ", not integer " + contents);
  }
  const std::size_t rank = hdf5::shape_of(dataset).size();
  if (rank != 1) {
    refuse("it has " + std::to_string(rank) + " dimensions instead of 1. Store " + form);
  }
  Numbers numbers(hdf5::count_stored(dataset, H5Tget_size(type.id())));
  if (!numbers.empty()) hdf5::read(dataset, hdf5::int64(), numbers.data());
  return numbers;
}

}  // namespace

void refuse(const std::string& why) {
  throw Error(ErrorKind::input, why);
}

hdf5::File open_foreign(std::span<const std::byte> bytes, const std::string& advice) {
  if (!hdf5::is_hdf5(bytes)) {
    const std::string kind = disk::foreign_content(bytes, "an HDF5 file");
    if (!kind.empty()) refuse("it is " + kind);
    refuse("it is not an HDF5 file. " + advice);
  }
  return hdf5::open_image(bytes);
}

std::string class_name(H5T_class_t type_class) {
  switch (type_class) {
    case H5T_FLOAT:
      return "floating-point numbers";
    case H5T_STRING:
      return "texts";
    case H5T_COMPOUND:
      return "compounds";
    case H5T_ENUM:
      return "enumerated values";
    default:
      return "something else";
  }
}

const hdf5::Link* find(const std::vector<hdf5::Link>& links, const std::string& name) {
  const auto link = std::find_if(links.begin(), links.end(),
                                 [&](const auto& known) { return known.name == name; });
  return link == links.end() ? nullptr : &*link;
}

Numbers read_numbers(hid_t group, const std::string& name, const std::string& path,
                     const std::string& contents, const std::string& form) {
  try {
    return read_numbers(hdf5::open_dataset(group, name), contents, form);
  } catch (const Error& error) {
    throw with_context(error, quote(path));
  }
}

void check_offsets(const Numbers& offsets, std::size_t count, const OffsetWords& words) {
  const auto entry = [&](std::size_t i) {
    return quote(words.path) + ": entry " + std::to_string(i) + " is " + std::to_string(offsets[i]);
  };
  if (offsets.front() != 0) refuse(entry(0) + ". The first sample begins at 0");
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    // A difference could overflow.
    if (offsets[i] > offsets[i - 1] && offsets[i] - offsets[i - 1] >= 2) continue;
    refuse(entry(i) + " behind " + std::to_string(offsets[i - 1]) + " (" + words.least +
           "). Leave such samples out");
  }
  if (offsets.back() != static_cast<std::int64_t>(count)) {
    refuse(entry(offsets.size() - 1) + ", and there are " + std::to_string(count) + " " +
           words.parts + ". The last entry is their number");
  }
}

}  // namespace gainsweep::archive
