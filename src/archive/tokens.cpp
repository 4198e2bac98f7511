#include "archive/tokens.hpp"

#include <algorithm>
#include <string>

#include "archive/hdf5.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/foreign.hpp"

namespace gainsweep::archive {
namespace {

constexpr const char* dataset_name = "tokens";

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::input, why);
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

/// Refuses with what the file holds unless its root has the dataset.
void find_dataset(hid_t root) {
  const std::vector<hdf5::Link> links = hdf5::links(root);
  const auto link = std::find_if(links.begin(), links.end(), [](const hdf5::Link& known) {
    return known.name == dataset_name;
  });
  if (link != links.end() && !link->is_group) return;
  if (link != links.end()) refuse("'tokens' is a group, not a dataset of token ids");
  const std::string found = join(links, [](const hdf5::Link& known) { return known.name; });
  refuse("it has no dataset 'tokens' (it holds: " + (found.empty() ? "nothing" : found) + ")");
}

std::vector<std::int64_t> read_ids(hid_t root) {
  const hdf5::Dataset dataset = hdf5::open_dataset(root, dataset_name);
  const hdf5::Type type = hdf5::type_of(dataset);
  const H5T_class_t type_class = H5Tget_class(type.id());
  if (type_class != H5T_INTEGER) {
    refuse("it holds " + class_name(type_class) + ", not integer token ids");
  }
  const std::size_t rank = hdf5::shape_of(dataset).size();
  if (rank != 1) {
    refuse("it has " + std::to_string(rank) +
           " dimensions instead of 1. Store one long stream of token ids");
  }
  std::vector<std::int64_t> ids(hdf5::count_stored(dataset, H5Tget_size(type.id())));
  if (!ids.empty()) hdf5::read(dataset, hdf5::int64(), ids.data());
  return ids;
}

std::vector<std::int64_t> read_dataset(hid_t root) {
  find_dataset(root);
  try {
    return read_ids(root);
  } catch (const Error& error) {
    throw with_context(error, quote(dataset_name));
  }
}

void check_ids(const std::vector<std::int64_t>& ids, std::int64_t vocabulary) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocabulary) continue;
    refuse("tokens[" + std::to_string(i) + "] is " + std::to_string(ids[i]) +
           ", outside the model's vocabulary [0, " + std::to_string(vocabulary) +
           "). Use tokens made with this model's tokenizer");
  }
}

}  // namespace

std::vector<std::int64_t> decode_tokens(std::span<const std::byte> bytes, std::int64_t vocabulary) {
  const hdf5::Session session;
  if (!hdf5::is_hdf5(bytes)) {
    const std::string kind = disk::foreign_content(bytes, "an HDF5 file");
    if (!kind.empty()) refuse("it is " + kind);
    refuse("it is not an HDF5 file. Store token ids as its dataset 'tokens'");
  }
  const hdf5::File file = hdf5::open_image(bytes);
  std::vector<std::int64_t> ids = read_dataset(hdf5::open_group(file.id(), "/").id());
  check_ids(ids, vocabulary);
  return ids;
}

}  // namespace gainsweep::archive
