#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "archive/table.hpp"

/// How contents are laid out in an HDF5 file; docs/archive_format.md says the same in words.
namespace gainsweep::archive {

/// What kind of file it is.
struct FileKind {
  std::string_view schema;  ///< the root's attribute `schema`
  bool described;  ///< with dimension scales and a digest per object; a part's name is its digest
};
inline constexpr FileKind archive_kind{"gainsweep archive", true};
inline constexpr FileKind part_kind{"gainsweep part", false};
inline constexpr std::int64_t layout_version = 2;

/// Texts of at least this many bytes become datasets, shorter ones attributes.
inline constexpr std::size_t long_text = 256;

/// Names with a meaning of their own.
namespace names {
inline constexpr const char* axes = "axes";
inline constexpr const char* digest = "sha256";
inline constexpr const char* long_name = "long_name";
inline constexpr const char* machine = "machine";
inline constexpr const char* measured = "measured";
inline constexpr const char* points = "points";
inline constexpr const char* program = "program";
inline constexpr const char* provenance = "provenance";
inline constexpr const char* schema = "schema";
inline constexpr const char* unit = "unit";
inline constexpr const char* unit_key = "unit_key";
inline constexpr const char* unit_order = "unit_order";
inline constexpr const char* units = "units";
inline constexpr const char* version = "schema_version";
}  // namespace names

/// The bytes of an HDF5 file. Error(internal) naming the field or table for contents that no file
/// can hold: shapes that do not fit values or axes, names with '/', texts with a zero byte, a
/// reserved or doubled path.
std::vector<std::byte> encode(const Contents& contents, const FileKind& kind);

/// Contents of the bytes of an HDF5 file. Error(input) naming the object for another schema or
/// version, a digest that does not match, or anything the layout does not know.
Contents decode(std::span<const std::byte> image, const FileKind& kind);

/// Error(internal) unless contents can be laid out; see `encode`.
void check(const Contents& contents);
/// Contents that come from a file, if they can be laid out again; Error(input) if not.
Contents checked(Contents contents);

/// The name of the dataset with the places along an axis, beside the tables' topmost groups.
std::string index_scale_name(const std::string& axis, std::size_t extent);

/// Moves one field's values to the end of those of a field of the same type; shapes stay.
void append_values(Field& to, Field& from);

/// Number of elements of a shape.
std::size_t element_count(const std::vector<std::size_t>& shape);
/// "float64", "int64" or "text".
std::string_view type_name(const Array& values);
std::size_t value_count(const Array& values);

/// SHA-256 over name, type, shape, units, long name, axes and values.
std::string field_digest(const Field& field);
/// SHA-256 over attributes and the names and digests of the children, both in order of names.
std::string group_digest(const std::map<std::string, std::string>& attributes,
                         const std::map<std::string, std::string>& children);

}  // namespace gainsweep::archive
