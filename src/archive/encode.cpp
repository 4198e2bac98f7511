#include <algorithm>
#include <deque>
#include <functional>
#include <numeric>
#include <set>

#include "archive/hdf5.hpp"
#include "archive/layout.hpp"
#include "base/error.hpp"

namespace gainsweep::archive {
namespace {

/// A group to be: what it holds, in the order of creation.
struct Node {
  std::map<std::string, std::string> attributes;
  std::vector<const Field*> fields;
  std::deque<std::pair<std::string, Node>> groups;  ///< a deque: references stay valid

  Node& group(const std::string& name) {
    for (auto& [known, node] : groups) {
      if (known == name) return node;
    }
    return groups.emplace_back(name, Node{}).second;
  }
};

/// The tree of a file, with the fields that are not part of the contents.
struct Tree {
  Node root;
  std::deque<Field> own_fields;
};

/// The field of a table that names the places along an axis: the one of the axis's name (of the
/// units their keys), if it has that axis alone.
const Field* coordinate(const Table& table, const std::string& axis, std::size_t extent) {
  const std::string name = axis == names::unit ? names::unit_key : axis;
  for (const Field& field : table.fields) {
    if (field.name == name && field.axes == std::vector{axis} && field.shape.front() == extent) {
      return &field;
    }
  }
  return nullptr;
}

/// Whether all rows of a table are of the same points of a sweep.
bool is_of_equal_points(const Table& table) {
  const auto points = std::ranges::find(table.fields, names::points, &Field::name);
  if (points == table.fields.end()) return true;
  const auto* texts = std::get_if<std::vector<std::string>>(&points->values);
  return texts != nullptr &&
         std::ranges::adjacent_find(*texts, std::not_equal_to{}) == texts->end();
}

/// The names of the places along an axis; null where no table has them. The table of an axis `op`
/// is `ops`, with a row for each place and a text field `path` or `name`.
const Array* names_of(const std::vector<Table>& tables, const std::string& axis,
                      std::size_t extent) {
  const auto table = std::ranges::find(tables, axis + "s", &Table::path);
  if (table == tables.end() || table->nature != Nature::deterministic) return nullptr;
  if (!is_of_equal_points(*table)) return nullptr;
  for (const Field& field : table->fields) {
    if ((field.name == "path" || field.name == "name") && field.axes == std::vector{axis} &&
        field.shape.front() == extent &&
        std::holds_alternative<std::vector<std::string>>(field.values)) {
      return &field.values;
    }
  }
  return nullptr;
}

/// Names or, where there are none (`names` is null), numbers of the places along an axis.
Field index_scale(const std::string& axis, std::size_t extent, const Array* names) {
  const std::string name = index_scale_name(axis, extent);
  const std::string long_name = "Places along the axis " + axis;
  if (names != nullptr) return {name, *names, {extent}, "", long_name, {axis}};
  std::vector<std::int64_t> places(extent);
  std::iota(places.begin(), places.end(), std::int64_t{0});
  return {name, std::move(places), {extent}, "1", long_name, {axis}};
}

void add_texts(Tree& tree, Node& node, const std::map<std::string, std::string>& texts) {
  for (const auto& [key, value] : texts) {
    if (value.size() < long_text) {
      node.attributes[key] = value;
      continue;
    }
    node.fields.push_back(&tree.own_fields.emplace_back(
        Field{key, std::vector{value}, {}, "", "The text of " + key, {}}));
  }
}

/// An axis and its extent.
using Dimension = std::pair<std::string, std::size_t>;

/// The dimensions of the tables of one nature that need an index scale, in the order of their
/// names.
std::set<Dimension> indexed_dimensions(const std::vector<Table>& tables, Nature nature) {
  std::set<Dimension> needed;
  for (const Table& table : tables) {
    if (table.nature != nature) continue;
    for (const Field& field : table.fields) {
      for (std::size_t d = 0; d < field.axes.size(); ++d) {
        if (coordinate(table, field.axes[d], field.shape[d]) == nullptr) {
          needed.emplace(field.axes[d], field.shape[d]);
        }
      }
    }
  }
  return needed;
}

/// The index scales stand beside the tables' topmost groups: what reads HDF5 as netCDF looks for
/// scales in a dataset's group and those above it, nowhere else.
void add_index_scales(Tree& tree, Node& node, const std::vector<Table>& tables, Nature nature) {
  for (const auto& [axis, extent] : indexed_dimensions(tables, nature)) {
    node.fields.push_back(
        &tree.own_fields.emplace_back(index_scale(axis, extent, names_of(tables, axis, extent))));
  }
}

void add_table(Node& top, const Table& table) {
  Node* node = &top;
  for (std::size_t begin = 0; begin <= table.path.size();) {
    const std::size_t end = std::min(table.path.find('/', begin), table.path.size());
    node = &node->group(table.path.substr(begin, end - begin));
    begin = end + 1;
  }
  node->attributes[names::long_name] = table.long_name;
  for (const Field& field : table.fields) node->fields.push_back(&field);
}

void build(Tree& tree, const Contents& contents, const FileKind& kind) {
  Node& root = tree.root;
  root.attributes = {{names::schema, std::string(kind.schema)},
                     {names::program, "gainsweep " GAINSWEEP_VERSION},
                     {names::version, std::to_string(layout_version)}};
  add_texts(tree, root.group(names::provenance), contents.provenance);
  if (kind.described) {
    add_index_scales(tree, root, contents.tables, Nature::deterministic);
  }
  for (const Table& table : contents.tables) {
    if (table.nature == Nature::deterministic) add_table(root, table);
  }
  Node& measured = root.group(names::measured);
  add_texts(tree, measured.group(names::machine), contents.machine);
  if (kind.described) {
    add_index_scales(tree, measured, contents.tables, Nature::measured);
  }
  for (const Table& table : contents.tables) {
    if (table.nature == Nature::measured) add_table(measured, table);
  }
}

/// Texts side by side, each padded with zeros to the longest.
std::string padded(const std::vector<std::string>& texts, std::size_t size) {
  std::string bytes(texts.size() * size, '\0');
  for (std::size_t i = 0; i < texts.size(); ++i) texts[i].copy(&bytes[i * size], size);
  return bytes;
}

hdf5::Dataset write_values(hid_t parent, const Field& field) {
  const auto create = [&](const hdf5::Type& type, const void* values) {
    hdf5::Dataset dataset = hdf5::create_dataset(parent, field.name, type, field.shape);
    if (value_count(field.values) > 0) hdf5::write(dataset, type, values);
    return dataset;
  };
  if (const auto* numbers = std::get_if<std::vector<double>>(&field.values)) {
    return create(hdf5::float64(), numbers->data());
  }
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&field.values)) {
    return create(hdf5::int64(), integers->data());
  }
  const auto& texts = std::get<std::vector<std::string>>(field.values);
  std::size_t size = 1;
  for (const std::string& text : texts) size = std::max(size, text.size());
  return create(hdf5::fixed_text(size), padded(texts, size).data());
}

/// Writes a field; its digest, or an empty string where none is asked for.
std::string write_field(hid_t parent, const Field& field, const FileKind& kind) {
  const hdf5::Dataset dataset = write_values(parent, field);
  hdf5::set_text(dataset.id(), names::units, field.units);
  hdf5::set_text(dataset.id(), names::long_name, field.long_name);
  hdf5::set_texts(dataset.id(), names::axes, field.axes);
  if (!kind.described) return {};
  std::string digest = field_digest(field);
  hdf5::set_text(dataset.id(), names::digest, digest);
  return digest;
}

void write_attributes(hid_t group, const std::map<std::string, std::string>& attributes) {
  for (const auto& [name, value] : attributes) {
    if (name == names::version) {
      hdf5::set_integer(group, name, layout_version);
    } else {
      hdf5::set_text(group, name, value);
    }
  }
}

/// Fills a group; its digest. The root's leaves the measured part out, so that runs with equal
/// deterministic contents have equal root digests.
std::string write_group(hid_t group, const Node& node, const FileKind& kind, bool is_root) {
  write_attributes(group, node.attributes);
  std::map<std::string, std::string> children;
  for (const Field* field : node.fields) children[field->name] = write_field(group, *field, kind);
  for (const auto& [name, child] : node.groups) {
    const hdf5::Group created = hdf5::create_group(group, name);
    children[name] = write_group(created.id(), child, kind, false);
  }
  if (!kind.described) return {};
  if (is_root) children.erase(names::measured);
  std::string digest = group_digest(node.attributes, children);
  hdf5::set_text(group, names::digest, digest);
  return digest;
}

bool is_coordinate(const Table& table, const Field& field) {
  return field.axes.size() == 1 &&
         coordinate(table, field.axes.front(), field.shape.front()) == &field;
}

/// Attaches to every dimension of a table's fields its scale: the coordinate in the table or an
/// index. A coordinate is a scale itself and can have none (HDF5's rule).
void attach_scales(hid_t top, const Table& table) {
  const hdf5::Group group = hdf5::open_group(top, table.path);
  for (const Field& field : table.fields) {
    if (is_coordinate(table, field)) {
      hdf5::make_scale(hdf5::open_dataset(group.id(), field.name), field.axes.front());
    }
  }
  for (const Field& field : table.fields) {
    const hdf5::Dataset dataset = hdf5::open_dataset(group.id(), field.name);
    for (std::size_t d = 0; d < field.axes.size(); ++d) {
      hdf5::label_dimension(dataset, d, field.axes[d]);
      if (is_coordinate(table, field)) continue;
      const Field* named = coordinate(table, field.axes[d], field.shape[d]);
      const hdf5::Dataset scale =
          named != nullptr
              ? hdf5::open_dataset(group.id(), named->name)
              : hdf5::open_dataset(top, index_scale_name(field.axes[d], field.shape[d]));
      hdf5::attach_scale(dataset, scale, d);
    }
  }
}

void make_index_scales(hid_t top, const std::vector<Table>& tables, Nature nature) {
  for (const auto& [axis, extent] : indexed_dimensions(tables, nature)) {
    hdf5::make_scale(hdf5::open_dataset(top, index_scale_name(axis, extent)), axis);
  }
}

void add_scales(hid_t root, const Contents& contents) {
  const hdf5::Group measured = hdf5::open_group(root, names::measured);
  make_index_scales(root, contents.tables, Nature::deterministic);
  make_index_scales(measured.id(), contents.tables, Nature::measured);
  for (const Table& table : contents.tables) {
    attach_scales(table.nature == Nature::measured ? measured.id() : root, table);
  }
}

}  // namespace

std::vector<std::byte> encode(const Contents& contents, const FileKind& kind) {
  check(contents);
  Tree tree;
  build(tree, contents, kind);
  const hdf5::Session session;
  try {
    hdf5::NewImage image;
    write_group(image.root(), tree.root, kind, true);
    if (kind.described) add_scales(image.root(), contents);
    return image.finish();
  } catch (const Error& error) {
    throw Error(ErrorKind::environment, std::string("contents cannot be laid out in memory: ") +
                                            error.what() +
                                            ". Free memory or check the HDF5 library.");
  }
}

}  // namespace gainsweep::archive
