#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace gainsweep::archive {

/// The label of a place whose class is not asked for: PyTorch's ignore_index.
inline constexpr std::int64_t no_label = -100;

/// A named tensor of rows, all of one shape.
struct Rows {
  std::string name;
  std::vector<std::int64_t> shape;  ///< of a row: no extents where a row is one number
  std::variant<std::vector<std::int64_t>, std::vector<float>> values;  ///< of all rows

  bool operator==(const Rows&) const = default;
};

/// What a sample file holds (docs/sample_files.md).
struct SampleRows {
  std::vector<Rows> inputs;           ///< one at least, by rising name, each with values
  std::vector<std::int64_t> offsets;  ///< first row of each sample, then the end; none: a row each
  /// Classes of rows (one each, or one for each of their places with no_label for none), or where
  /// there are offsets the right candidate of each sample.
  std::optional<Rows> labels;

  std::int64_t num_rows() const;
  std::int64_t num_samples() const;
  bool operator==(const SampleRows&) const = default;
};

/// The contents of each file, decoded in one child process as read_tokens does it. Error(input)
/// naming the first file that cannot be read, with the dataset, the place and what is wrong.
std::vector<SampleRows> read_samples(const std::vector<std::filesystem::path>& files);

/// The same of one file's bytes, in this process: a crash of the HDF5 library is one of the caller.
SampleRows decode_samples(std::span<const std::byte> bytes);

}  // namespace gainsweep::archive
