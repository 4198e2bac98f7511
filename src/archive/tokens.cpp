#include "archive/tokens.hpp"

#include <chrono>

#include "archive/disk.hpp"
#include "archive/hdf5.hpp"
#include "archive/isolate.hpp"
#include "base/error.hpp"

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
  std::string found;
  for (const hdf5::Link& link : hdf5::links(root)) {
    if (link.name != dataset_name) {
      found += (found.empty() ? "" : ", ") + link.name;
    } else if (link.is_group) {
      refuse("'tokens' is a group, not a dataset of token ids");
    } else {
      return;
    }
  }
  refuse("it has no dataset 'tokens' (it holds: " + (found.empty() ? "nothing" : found) + ")");
}

std::vector<std::int64_t> read_dataset(hid_t root) {
  find_dataset(root);
  const hdf5::Dataset dataset = hdf5::open_dataset(root, dataset_name);
  const hdf5::Type type = hdf5::type_of(dataset);
  const H5T_class_t type_class = H5Tget_class(type.id());
  if (type_class != H5T_INTEGER) {
    refuse("'tokens' holds " + class_name(type_class) + ", not integer token ids");
  }
  const std::size_t rank = hdf5::shape_of(dataset).size();
  if (rank != 1) {
    refuse("'tokens' has " + std::to_string(rank) +
           " dimensions instead of 1. Store one long stream of token ids");
  }
  std::vector<std::int64_t> ids(hdf5::count_stored(dataset, H5Tget_size(type.id())));
  if (!ids.empty()) hdf5::read(dataset, hdf5::int64(), ids.data());
  return ids;
}

void check_ids(const std::vector<std::int64_t>& ids, std::int64_t vocabulary) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocabulary) continue;
    refuse("tokens[" + std::to_string(i) + "] is " + std::to_string(ids[i]) +
           ", outside the model's vocabulary [0, " + std::to_string(vocabulary) +
           "). Use tokens made with this model's tokenizer");
  }
}

/// For the holder of a session.
std::vector<std::int64_t> decode(std::span<const std::byte> bytes, std::int64_t vocabulary) {
  if (!hdf5::is_hdf5(bytes)) {
    refuse("it is not an HDF5 file. Store token ids as its dataset 'tokens'");
  }
  const hdf5::File file = hdf5::open_image(bytes);
  std::vector<std::int64_t> ids = read_dataset(hdf5::open_group(file.id(), "/").id());
  check_ids(ids, vocabulary);
  return ids;
}

/// Far more than any sound file of that size takes.
std::chrono::seconds time_limit(std::size_t bytes) {
  constexpr std::size_t bytes_per_second = std::size_t{1} << 20;
  return std::chrono::seconds(20 + bytes / bytes_per_second);
}

}  // namespace

std::vector<std::int64_t> decode_tokens(std::span<const std::byte> bytes, std::int64_t vocabulary) {
  const hdf5::Session session;
  return decode(bytes, vocabulary);
}

std::vector<std::int64_t> read_tokens(const std::filesystem::path& path, std::int64_t vocabulary) {
  const std::vector<std::byte> bytes = read_file(path);
  // Held across the fork: no other thread is inside the library, whose state the child gets.
  const hdf5::Session session;
  try {
    return isolated([&] { return decode(bytes, vocabulary); }, time_limit(bytes.size()));
  } catch (const Error& error) {
    throw with_context(error, path.string());
  }
}

}  // namespace gainsweep::archive
