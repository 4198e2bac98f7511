#include <algorithm>
#include <bit>
#include <new>

#include "archive/hdf5.hpp"
#include "archive/layout.hpp"
#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

/// A group as read.
struct Branch {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::vector<Field> fields;
  std::vector<Branch> groups;
};

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::input, why);
}

/// What `read` gives, its errors preceded by the object's path.
template <class Read>
auto at(const std::string& path, Read read) {
  try {
    return read();
  } catch (const Error& error) {
    throw with_context(error, path.empty() ? "/" : path);
  }
}

std::vector<std::string> read_texts(const hdf5::Dataset& dataset, const hdf5::Type& stored) {
  if (H5Tis_variable_str(stored.id()) > 0) refuse("its texts are not of a fixed size");
  const std::size_t size = H5Tget_size(stored.id());
  const std::size_t count = hdf5::count_stored(dataset, size);
  std::string bytes(count * size, '\0');
  if (count > 0) hdf5::read(dataset, hdf5::fixed_text(size), bytes.data());
  std::vector<std::string> texts;
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view text(&bytes[i * size], size);
    const std::size_t last = text.find_last_not_of('\0');
    texts.emplace_back(text.substr(0, last == std::string_view::npos ? 0 : last + 1));
  }
  return texts;
}

template <class Value>
std::vector<Value> read_numbers(const hdf5::Dataset& dataset, const hdf5::Type& type) {
  std::vector<Value> values(hdf5::count_stored(dataset, sizeof(Value)));
  if (!values.empty()) hdf5::read(dataset, type, values.data());
  return values;
}

Array read_values(const hdf5::Dataset& dataset) {
  const hdf5::Type stored = hdf5::type_of(dataset);
  const hdf5::Type number = hdf5::float64();
  const hdf5::Type integer = hdf5::int64();
  if (H5Tequal(stored.id(), number.id()) > 0) return read_numbers<double>(dataset, number);
  if (H5Tequal(stored.id(), integer.id()) > 0) return read_numbers<std::int64_t>(dataset, integer);
  if (H5Tget_class(stored.id()) == H5T_STRING) return read_texts(dataset, stored);
  refuse("its type is none of float64, int64 and text of a fixed size");
}

void verify(hid_t object, const std::string& digest) {
  if (!hdf5::has_attribute(object, names::digest)) refuse("it has no digest (attribute sha256)");
  if (hdf5::text(object, names::digest) != digest) {
    refuse("it does not match its digest (attribute sha256): it was damaged or altered");
  }
}

Field read_field(hid_t parent, const std::string& name) {
  const hdf5::Dataset dataset = hdf5::open_dataset(parent, name);
  Field field;
  field.name = name;
  field.values = read_values(dataset);
  field.shape = hdf5::shape_of(dataset);
  field.units = hdf5::text(dataset.id(), names::units);
  field.long_name = hdf5::text(dataset.id(), names::long_name);
  field.axes = hdf5::texts(dataset.id(), names::axes);
  if (field.axes.size() != field.shape.size()) refuse("it has not one axis per dimension");
  return field;
}

std::map<std::string, std::string> read_attributes(hid_t group) {
  std::map<std::string, std::string> attributes;
  for (const std::string& name : hdf5::attribute_names(group)) {
    if (name != names::digest) attributes[name] = hdf5::text(group, name);
  }
  return attributes;
}

/// Reads groups and verifies them from the leaves up.
class TreeReader {
 public:
  explicit TreeReader(const FileKind& kind) : kind_(kind) {}

  Branch read(hid_t group) {
    Branch root;
    read_group(group, "", root);
    return root;
  }

 private:
  static constexpr int deepest_ = 16;

  /// Fills `branch`; the group's digest.
  std::string read_group(hid_t group, const std::string& path, Branch& branch) {
    if (std::count(path.begin(), path.end(), '/') > deepest_) refuse(path + ": nested too deeply");
    branch.attributes = at(path, [&] { return read_attributes(group); });
    std::map<std::string, std::string> children;
    for (const hdf5::Link& link : at(path, [&] { return hdf5::links(group); })) {
      const std::string child = path + "/" + link.name;
      children[link.name] = link.is_group ? read_child(group, link.name, child, branch)
                                          : read_leaf(group, link.name, child, branch);
    }
    if (!kind_.described) return {};
    if (path.empty()) children.erase(names::measured);
    std::string digest = group_digest(branch.attributes, children);
    at(path, [&] { verify(group, digest); });
    return digest;
  }

  std::string read_child(hid_t group, const std::string& name, const std::string& path,
                         Branch& branch) {
    const hdf5::Group child = at(path, [&] { return hdf5::open_group(group, name); });
    branch.groups.emplace_back().name = name;
    return read_group(child.id(), path, branch.groups.back());
  }

  std::string read_leaf(hid_t group, const std::string& name, const std::string& path,
                        Branch& branch) {
    return at(path, [&] {
      const Field& field = branch.fields.emplace_back(read_field(group, name));
      if (!kind_.described) return std::string();
      std::string digest = field_digest(field);
      verify(hdf5::open_dataset(group, name).id(), digest);
      return digest;
    });
  }

  const FileKind& kind_;
};

void check_schema(hid_t root, const FileKind& kind) {
  if (!hdf5::has_attribute(root, names::schema) || !hdf5::has_attribute(root, names::version) ||
      hdf5::text(root, names::schema) != kind.schema) {
    refuse("it is not a " + std::string(kind.schema) + " (by the root's attribute schema)");
  }
  const std::string version = hdf5::text(root, names::version);
  const std::string own = std::to_string(layout_version);
  if (version == own) return;
  if (version == "1") {
    refuse("an earlier gainsweep wrote it (layout version 1, this program reads version " + own +
           "). Use that gainsweep, or run the spec anew with this one");
  }
  refuse("it has layout version " + version + ", this program reads version " + own +
         " only. Use the gainsweep that wrote it");
}

std::map<std::string, std::string> texts_of(Branch& branch, const std::string& path) {
  std::map<std::string, std::string> texts = std::move(branch.attributes);
  for (Field& field : branch.fields) {
    auto* values = std::get_if<std::vector<std::string>>(&field.values);
    if (values == nullptr || !field.shape.empty()) refuse(path + "/" + field.name + ": not a text");
    texts[field.name] = std::move(values->front());
  }
  return texts;
}

void move_tables(Branch& branch, const std::string& path, Nature nature,
                 std::vector<Table>& tables) {
  const auto long_name = branch.attributes.find(names::long_name);
  if (long_name != branch.attributes.end()) {
    tables.push_back({path, long_name->second, nature, std::move(branch.fields)});
  } else if (!branch.fields.empty()) {
    refuse("/" + path + ": datasets outside a table (a table has the attribute long_name)");
  }
  for (Branch& child : branch.groups) {
    move_tables(child, path + "/" + child.name, nature, tables);
  }
}

/// Outside of tables there are only the places along axes.
void check_scales(const Branch& top, const std::string& path) {
  for (const Field& field : top.fields) {
    if (field.axes.size() != 1 ||
        field.name != index_scale_name(field.axes.front(), field.shape.front()))
      refuse(path + "/" + field.name + ": it is in no table and no place along an axis");
  }
}

Contents contents_of(Branch& root) {
  Contents contents;
  const auto move_group = [&](Branch& branch, Nature nature, const char* texts_name, auto& texts) {
    if (branch.name == texts_name) {
      texts = texts_of(branch, "/" + branch.name);
    } else {
      move_tables(branch, branch.name, nature, contents.tables);
    }
  };
  check_scales(root, "");
  for (Branch& branch : root.groups) {
    if (branch.name == names::measured) continue;
    move_group(branch, Nature::deterministic, names::provenance, contents.provenance);
  }
  for (Branch& measured : root.groups) {
    if (measured.name != names::measured) continue;
    check_scales(measured, "/" + measured.name);
    for (Branch& branch : measured.groups) {
      move_group(branch, Nature::measured, names::machine, contents.machine);
    }
  }
  return contents;
}

}  // namespace

Contents decode(std::span<const std::byte> image, const FileKind& kind) {
  const hdf5::Session session;
  try {
    const hdf5::File file = hdf5::open_image(image);
    const hdf5::Group root = hdf5::open_group(file.id(), "/");
    check_schema(root.id(), kind);
    Branch tree = TreeReader(kind).read(root.id());
    return checked(contents_of(tree));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::environment, "not enough memory for its contents");
  }
}

}  // namespace gainsweep::archive
