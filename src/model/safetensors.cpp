#include "model/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/foreign.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::model {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "tensors are used as they lie in the file, which is little endian");

constexpr std::uint64_t longest_header = 100'000'000;

struct Dtype {
  const char* name;
  ElementType type;
};
constexpr Dtype dtypes[] = {{"BF16", ElementType::bf16}, {"F16", ElementType::fp16},
                            {"F32", ElementType::fp32},  {"F64", ElementType::fp64},
                            {"I64", ElementType::int64}, {"I32", ElementType::int32},
                            {"I16", ElementType::int16}, {"I8", ElementType::int8},
                            {"U8", ElementType::uint8},  {"BOOL", ElementType::boolean}};

/// `other` for a dtype that this program cannot read.
ElementType type_of(const std::string& dtype) {
  const auto* known = std::find_if(std::begin(dtypes), std::end(dtypes),
                                   [&](const Dtype& candidate) { return dtype == candidate.name; });
  return known == std::end(dtypes) ? ElementType::other : known->type;
}

struct Entry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what) {
  throw Error(ErrorKind::input,
              file.string() + ": " + what +
                  ". The file is damaged or was written wrongly; fetch or convert "
                  "it again.");
}

/// For bytes that do not begin as the format wants: they may be those of another one.
[[noreturn]] void refuse_start(std::span<const std::byte> bytes, const std::filesystem::path& file,
                               const std::string& what) {
  const auto kind = disk::foreign_content(bytes, "safetensors");
  if (!kind.empty()) throw Error(ErrorKind::input, file.string() + ": it is " + kind + ".");
  refuse(file, what);
}

std::string_view header_text(std::span<const std::byte> bytes, const std::filesystem::path& file) {
  std::uint64_t length = 0;
  if (bytes.size() < sizeof length) {
    refuse_start(bytes, file,
                 "truncated (" + std::to_string(bytes.size()) +
                     " bytes, but a safetensors file begins with an 8-byte header length)");
  }
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > longest_header) {
    refuse_start(bytes, file,
                 "header length " + std::to_string(length) +
                     " is absurd (the format allows at most " + std::to_string(longest_header) +
                     " bytes)");
  }
  if (length > bytes.size() - sizeof length) {
    refuse_start(bytes, file,
                 "truncated (a header of " + std::to_string(length) + " bytes in a file of " +
                     std::to_string(bytes.size()) + " bytes)");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof length, length);
  if (!text.starts_with('{')) {
    refuse_start(bytes, file, "the header does not begin with '{'");
  }
  return text;
}

/// Turns the JSON of one tensor into an Entry, or refuses it by name.
class EntryReader {
 public:
  EntryReader(const std::filesystem::path& file, const std::string& name)
      : file_(file), name_(name) {}

  Entry read(const json& description) const {
    if (!description.is_object() || description.size() != 3 || !description.contains("dtype") ||
        !description.contains("shape") || !description.contains("data_offsets")) {
      fail("wants exactly the keys dtype, shape and data_offsets");
    }
    if (!description["dtype"].is_string()) fail("dtype is not a text");
    Entry entry{name_, description["dtype"], shape(description["shape"]), 0, 0};
    const auto& offsets = description["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      fail("data_offsets are not two non-negative integers");
    }
    entry.begin = offsets[0];
    entry.end = offsets[1];
    check_size(entry);
    return entry;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    refuse(file_, "tensor " + quote(name_) + ": " + what);
  }

  std::vector<std::int64_t> shape(const json& dimensions) const {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!dimensions.is_array()) fail("shape is not a list");
    std::vector<std::int64_t> shape;
    for (const auto& dimension : dimensions) {
      if (!dimension.is_number_unsigned() || dimension.get<std::uint64_t>() > most) {
        fail("shape has an entry that is not a non-negative 64-bit integer");
      }
      shape.push_back(dimension);
    }
    return shape;
  }

  void check_size(const Entry& entry) const {
    const auto type = type_of(entry.dtype);
    if (type == ElementType::other) {  // its size is unknown
      if (entry.end < entry.begin) fail("data_offsets end before they begin");
      return;
    }
    std::uint64_t needed = size_of(type);
    for (const auto dimension : entry.shape) {
      if (__builtin_mul_overflow(needed, static_cast<std::uint64_t>(dimension), &needed)) {
        fail("shape overflows 64 bits");
      }
    }
    if (entry.end < entry.begin || entry.end - entry.begin != needed) {
      fail("data_offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) +
           "] do not hold the " + std::to_string(needed) + " bytes that dtype and shape need");
    }
  }

  const std::filesystem::path& file_;
  const std::string& name_;
};

void check_metadata(const json& metadata, const std::filesystem::path& file) {
  const auto is_text = [](const json& value) { return value.is_string(); };
  if (!metadata.is_object() || !std::all_of(metadata.begin(), metadata.end(), is_text)) {
    refuse(file, "__metadata__ is not a map from text to text");
  }
}

std::vector<Entry> read_header(std::string_view text, const std::filesystem::path& file) {
  const json header = parse_json(text, file);
  std::vector<Entry> entries;
  for (const auto& [name, description] : header.items()) {
    if (name == "__metadata__") {
      check_metadata(description, file);
    } else {
      entries.push_back(EntryReader(file, name).read(description));
    }
  }
  return entries;
}

/// Refuses gaps, overlaps and data beyond or before the end of the file.
void check_cover(std::vector<Entry>& entries, std::uint64_t data_size,
                 const std::filesystem::path& file) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t covered = 0;
  for (const auto& entry : entries) {
    if (entry.begin != covered) {
      refuse(file, "tensor " + quote(entry.name) + " begins at data byte " +
                       std::to_string(entry.begin) +
                       (entry.begin < covered ? ", overlapping" : ", leaving a gap after") +
                       " the tensor that ends at " + std::to_string(covered));
    }
    covered = entry.end;
    if (covered > data_size) {
      refuse(file, "truncated (tensor " + quote(entry.name) + " ends at data byte " +
                       std::to_string(covered) + " of " + std::to_string(data_size) + ")");
    }
  }
  if (covered != data_size) {
    refuse(file, std::to_string(data_size - covered) + " bytes after the last tensor");
  }
}

}  // namespace

std::map<std::string, MappedTensor> parse_safetensors(std::span<const std::byte> bytes,
                                                      const std::filesystem::path& file) {
  const auto header = header_text(bytes, file);
  const auto data = bytes.subspan(sizeof(std::uint64_t) + header.size());
  auto entries = read_header(header, file);
  check_cover(entries, data.size(), file);
  std::map<std::string, MappedTensor> tensors;
  for (auto& entry : entries) {
    tensors.emplace(
        std::move(entry.name),
        MappedTensor{type_of(entry.dtype), std::move(entry.shape),
                     data.subspan(entry.begin, entry.end - entry.begin), file, entry.dtype});
  }
  return tensors;
}

}  // namespace gainsweep::model
