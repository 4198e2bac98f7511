#include "exported/stored.hpp"

#include <limits>

#include "base/text.hpp"
#include "exported/argument.hpp"
#include "exported/located.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::exported {
namespace {

/// Where the storages of one kind lie, and the file that says which is whose.
struct Shelf {
  std::string folder;
  std::string config;
};

/// Storages whose checksums were compared.
class Storages {
 public:
  explicit Storages(const Zip& zip) : zip_(zip) {}

  std::span<const std::byte> at(const Shelf& shelf, const Located& path) {
    const auto name = path.text();
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
      path.refuse("is " + quote(name) + ", which is no name of a file in " + shelf.folder);
    const auto member = shelf.folder + name;
    if (!zip_.contains(member)) path.refuse("names " + quote(member) + ", which is not there");
    const auto [found, is_new] = checked_.try_emplace(member);
    if (is_new) found->second = zip_.bytes(member);
    return found->second;
  }

 private:
  const Zip& zip_;
  std::map<std::string, std::span<const std::byte>> checked_;
};

std::vector<std::int64_t> read_extents(const Located& list) {
  std::vector<std::int64_t> extents;
  for (const auto& item : list.list()) extents.push_back(read_fixed_size(item));
  return extents;
}

/// Refuses a tensor whose elements are not all in its storage.
void check_inside(const StoredTensor& tensor, const Located& meta) {
  const auto available =
      static_cast<std::int64_t>(tensor.storage.size() / model::size_of(tensor.type));
  std::int64_t elements = 1, last = tensor.offset;
  bool overflows = false;
  for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
    std::int64_t reach = 0;
    overflows |= __builtin_mul_overflow(elements, tensor.sizes[i], &elements);
    if (tensor.sizes[i] == 0) continue;
    overflows |= __builtin_mul_overflow(tensor.sizes[i] - 1, tensor.strides[i], &reach);
    overflows |= __builtin_add_overflow(last, reach, &last);
  }
  if (overflows) meta.refuse("has sizes and strides that overflow 64 bits");
  if (elements == 0 ? tensor.offset > available : last >= available)
    meta.refuse("has sizes, strides and offset that reach beyond its storage of " +
                std::to_string(available) + " elements");
  if (elements > available)
    meta.refuse("has " + std::to_string(elements) + " elements in a storage of " +
                    std::to_string(available) + " (an expanded tensor)",
                "Store it as `.contiguous()` in the model and export that again");
}

StoredTensor read_tensor(const Located& meta, std::span<const std::byte> storage) {
  constexpr std::int64_t strided = 7;
  if (meta.at("layout").integer() != strided)
    meta.refuse("is not strided (sparse and other layouts are not read)",
                "Make it dense in the model and export that again");
  StoredTensor tensor{read_type(meta.at("dtype")), read_extents(meta.at("sizes")),
                      read_extents(meta.at("strides")), read_fixed_size(meta.at("storage_offset")),
                      storage};
  if (tensor.sizes.size() != tensor.strides.size()) meta.refuse("has not as many strides as sizes");
  if (reinterpret_cast<std::uintptr_t>(storage.data()) % model::size_of(tensor.type) != 0)
    meta.refuse(
        "lies in a storage that is not aligned to its elements (the archive was packed "
        "again by another tool)",
        "Save it with torch.export.save");
  check_inside(tensor, meta);
  return tensor;
}

StoredTensor read_payload(const Located& payload, const Shelf& shelf, Storages& storages) {
  if (payload.at("use_pickle").boolean())
    payload.refuse(payload.has("tensor_meta")
                       ? "is pickled, as tensor subclasses are (quantised weights, for example); "
                         "nothing is unpickled"
                       : "is a custom object; nothing is unpickled",
                   "Export the model with plain tensors: the one in high precision, before it is "
                   "quantised or wrapped");
  return read_tensor(payload.at("tensor_meta"), storages.at(shelf, payload.at("path_name")));
}

}  // namespace

std::map<std::string, StoredTensor> read_stored(const Zip& zip, const std::string& model) {
  const Shelf shelves[] = {{"data/weights/", model + "_weights_config.json"},
                           {"data/constants/", model + "_constants_config.json"}};
  Storages storages(zip);
  std::map<std::string, StoredTensor> tensors;
  for (const auto& shelf : shelves) {
    const auto member = shelf.folder + shelf.config;
    const auto json = model::parse_json(zip.text(member), zip.file().string() + ": " + member);
    const Located top(json, zip.file(), member);
    for (const auto& [name, payload] : top.at("config").entries())
      if (!tensors.emplace(name, read_payload(payload, shelf, storages)).second)
        payload.refuse("is both a weight and a constant");
  }
  return tensors;
}

}  // namespace gainsweep::exported
