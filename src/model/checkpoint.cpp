#include "model/checkpoint.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/file.hpp"
#include "disk/mapped_file.hpp"
#include "model/safetensors.hpp"
#include "model/shard_index.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::model {

namespace fs = std::filesystem;

struct Checkpoint::Mapping {
  fs::path folder;
  std::map<std::string, disk::MappedFile> files;  ///< by file name
  std::map<std::string, MappedTensor> tensors;
  std::shared_ptr<const void> keeper;     ///< of tensors of another kind of file
  std::optional<disk::MappedFile> zeros;  ///< what all tensors are where there are no weights
  std::map<std::string, std::string> misplaced;  ///< by tensor: why the index is wrong about it
};

namespace {

constexpr const char* single_name = "model.safetensors";
constexpr const char* index_name = "model.safetensors.index.json";

constexpr const char* pickled_names[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};

bool is_pickled(const fs::path& folder) {
  return std::ranges::any_of(pickled_names,
                             [&](const char* name) { return disk::is_there(folder / name); });
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  std::error_code ignored;
  const auto base = ErrorKind::input;
  if (!disk::is_there(folder)) {
    throw Error(base, folder.string() + ": no such folder. Name a Hugging Face model folder.");
  }
  if (!fs::is_directory(folder, ignored)) {
    throw Error(base, folder.string() +
                          ": not a folder. Name the folder that holds config.json and " +
                          single_name + ".");
  }
  if (disk::is_there(folder / "adapter_config.json")) {
    throw Error(base,
                folder.string() +
                    ": an adapter (adapter_config.json), not a model. Merge it into the model "
                    "that it was trained on (merge_and_unload) and save that.");
  }
  throw Error(
      base,
      folder.string() + ": no weights (neither " + single_name + " nor " + index_name +
          (is_pickled(folder) ? ", only pytorch_model.bin). Save the model again with "
                                "save_pretrained(..., safe_serialization=True)."
                              : "). Name a Hugging Face model folder with safetensors weights."));
}

}  // namespace

std::size_t size_of(ElementType type) {
  switch (type) {
    case ElementType::fp64:
    case ElementType::int64:
      return 8;
    case ElementType::fp32:
    case ElementType::int32:
      return 4;
    case ElementType::bf16:
    case ElementType::fp16:
    case ElementType::int16:
      return 2;
    case ElementType::int8:
    case ElementType::uint8:
    case ElementType::boolean:
      return 1;
    case ElementType::other:
      break;
  }
  throw Error(ErrorKind::internal, "an element type without a size");
}

void Checkpoint::add_file(Mapping& mapping, const std::string& name) {
  const auto path = mapping.folder / name;
  const auto& file = mapping.files.emplace(name, disk::MappedFile::open(path)).first->second;
  for (auto& [tensor, mapped] : parse_safetensors(file.bytes(), path)) {
    const auto [place, is_new] = mapping.tensors.emplace(tensor, std::move(mapped));
    if (!is_new) {
      throw Error(ErrorKind::input, path.string() + ": tensor " + quote(tensor) +
                                        " is also in shard " +
                                        quote(place->second.file.filename().string()) +
                                        " (a tensor has one place). Fetch the checkpoint again.");
    }
  }
}

void Checkpoint::add_shards(Mapping& mapping) {
  const auto index = mapping.folder / index_name;
  const auto weight_map = parse_index(disk::MappedFile::open(index).text(), index);
  for (const auto& [tensor, shard] : weight_map) {
    if (mapping.files.contains(shard)) continue;
    if (!disk::is_there(mapping.folder / shard)) {
      mapping.misplaced[tensor] = index.string() + ": shard " + quote(shard) +
                                  " is not there (it holds tensor " + quote(tensor) +
                                  "). Fetch the missing file.";
      continue;
    }
    add_file(mapping, shard);
  }
  for (const auto& [tensor, shard] : weight_map) {
    const auto found = mapping.tensors.find(tensor);
    if (mapping.misplaced.contains(tensor) ||
        (found != mapping.tensors.end() && found->second.file.filename() == shard))
      continue;
    mapping.misplaced[tensor] = index.string() + ": tensor " + quote(tensor) + " is not in shard " +
                                quote(shard) + " as the index says. Fetch index and shards again.";
  }
}

Checkpoint Checkpoint::open(const fs::path& folder) {
  auto mapping = std::make_unique<Mapping>();
  mapping->folder = folder;
  if (disk::is_there(folder / single_name)) {
    add_file(*mapping, single_name);
  } else if (disk::is_there(folder / index_name)) {
    add_shards(*mapping);
  } else {
    refuse_folder(folder);
  }
  return Checkpoint(std::move(mapping));
}

Checkpoint Checkpoint::blank(const fs::path& folder,
                             const std::map<std::string, std::vector<std::int64_t>>& shapes) {
  constexpr auto type = ElementType::fp32;
  const auto size = [](const std::vector<std::int64_t>& shape) {
    return std::accumulate(shape.begin(), shape.end(), size_of(type),
                           [](std::size_t product, std::int64_t dimension) {
                             return product * static_cast<std::size_t>(dimension);
                           });
  };
  auto mapping = std::make_unique<Mapping>();
  mapping->folder = folder;
  std::size_t largest = 0;
  for (const auto& [name, shape] : shapes) largest = std::max(largest, size(shape));
  mapping->zeros.emplace(disk::MappedFile::zeros(largest));
  for (const auto& [name, shape] : shapes)
    mapping->tensors.emplace(
        name, MappedTensor{type, shape, mapping->zeros->bytes().first(size(shape)), folder, "F32"});
  return Checkpoint(std::move(mapping));
}

Checkpoint Checkpoint::of(const fs::path& file, std::map<std::string, MappedTensor> tensors,
                          std::shared_ptr<const void> keeper) {
  auto mapping = std::make_unique<Mapping>();
  mapping->folder = file;
  mapping->tensors = std::move(tensors);
  mapping->keeper = std::move(keeper);
  return Checkpoint(std::move(mapping));
}

bool Checkpoint::is_there(const fs::path& folder) {
  return disk::is_there(folder / single_name) || disk::is_there(folder / index_name) ||
         is_pickled(folder);
}

Checkpoint::Checkpoint(std::unique_ptr<Mapping> mapping) : mapping_(std::move(mapping)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

const MappedTensor& Checkpoint::tensor(const std::string& name) const {
  const auto misplaced = mapping_->misplaced.find(name);
  if (misplaced != mapping_->misplaced.end()) throw Error(ErrorKind::input, misplaced->second);
  const auto found = mapping_->tensors.find(name);
  if (found != mapping_->tensors.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, tensor] : mapping_->tensors) names.push_back(known);
  const auto nearest = closest(name, names);
  throw Error(ErrorKind::input,
              folder().string() + ": no tensor " + quote(name) + " (" +
                  (nearest.empty() ? "none of its " + std::to_string(names.size()) + " is similar"
                                   : "the nearest is " + quote(nearest)) +
                  "). Check that config.json belongs to these weights.");
}

bool Checkpoint::contains(const std::string& name) const {
  return mapping_->tensors.contains(name) && !mapping_->misplaced.contains(name);
}

const std::map<std::string, MappedTensor>& Checkpoint::tensors() const {
  return mapping_->tensors;
}

const fs::path& Checkpoint::folder() const {
  return mapping_->folder;
}

bool Checkpoint::is_blank() const {
  return mapping_->zeros.has_value();
}

std::vector<fs::path> Checkpoint::files() const {
  std::vector<fs::path> paths;
  for (const auto& [name, file] : mapping_->files) paths.push_back(file.path());
  return paths;
}

std::int64_t Checkpoint::bytes() const {
  std::int64_t bytes = 0;
  for (const auto& [name, tensor] : mapping_->tensors)
    bytes += static_cast<std::int64_t>(tensor.bytes.size());
  return bytes;
}

}  // namespace gainsweep::model
