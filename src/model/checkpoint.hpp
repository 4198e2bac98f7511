#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// Trained models: memory-mapped checkpoints and the front ends that make graphs of them.
namespace gainsweep::model {

enum class ElementType { bf16, fp16, fp32, fp64, int64, int32, int16, int8, uint8, boolean, other };

/// Bytes of one element. Error(internal) for `other`.
std::size_t size_of(ElementType type);

/// A checkpoint tensor where it lies in the mapped file: read-only, never copied.
struct MappedTensor {
  ElementType type = ElementType::bf16;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
  std::filesystem::path file;  ///< the shard it is in
  std::string dtype{};         ///< as the file names it; element type `other` where it is unknown
  /// In elements; none: row-major. `bytes` begin with the first element and end with the last one.
  std::vector<std::int64_t> strides{};
};

/// The tensors of a Hugging Face folder: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names. Move-only; spans live as long as it does.
class Checkpoint {
 public:
  /// Maps all shards. Error(input) naming the file, the tensor and the reason for anything wrong:
  /// truncated file, absurd header length, overlapping, gapped or out-of-range offsets, sizes that
  /// disagree with shape and dtype, a doubled tensor, a file of another kind. A shard or tensor
  /// that the index names but is not there is an error of who asks for the tensor.
  static Checkpoint open(const std::filesystem::path& folder);
  /// Tensors of zeros (fp32) in the shapes given, which take no memory: for a folder without
  /// weights.
  static Checkpoint blank(const std::filesystem::path& folder,
                          const std::map<std::string, std::vector<std::int64_t>>& shapes);
  /// Tensors of another kind of file; `keeper` holds what their bytes lie in.
  static Checkpoint of(const std::filesystem::path& file,
                       std::map<std::string, MappedTensor> tensors,
                       std::shared_ptr<const void> keeper);
  /// Whether a folder has weights, of whatever kind. Error(input) where this user may not look.
  static bool is_there(const std::filesystem::path& folder);

  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  /// By name. Error(input) with the nearest name when missing, or with what is wrong in the index.
  const MappedTensor& tensor(const std::string& name) const;
  bool contains(const std::string& name) const;
  const std::map<std::string, MappedTensor>& tensors() const;
  /// What was opened: a folder, or a file.
  const std::filesystem::path& folder() const;
  /// Whether all tensors are zeros that stand for what is not there.
  bool is_blank() const;
  /// Files mapped, in name order: what a digest of the model covers, with config.json.
  std::vector<std::filesystem::path> files() const;
  /// Of all tensors, in their stored types.
  std::int64_t bytes() const;

 private:
  struct Mapping;
  static void add_file(Mapping& mapping, const std::string& name);
  static void add_shards(Mapping& mapping);
  explicit Checkpoint(std::unique_ptr<Mapping> mapping);
  std::unique_ptr<Mapping> mapping_;
};

}  // namespace gainsweep::model
