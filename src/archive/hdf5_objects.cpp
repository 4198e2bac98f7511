#include <algorithm>
#include <string_view>

#include "archive/hdf5.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

/// Attributes of objects, and the links between them.
namespace gainsweep::archive::hdf5 {
namespace {

Type variable_text() {
  Type type(checked(H5Tcopy(H5T_C_S1), "H5Tcopy"));
  checked(H5Tset_size(type.id(), H5T_VARIABLE), "H5Tset_size");
  checked(H5Tset_cset(type.id(), H5T_CSET_UTF8), "H5Tset_cset");
  return type;
}

/// `values` is null for an attribute without elements.
void set_attribute(hid_t object, const std::string& name, const Type& type, const Space& space,
                   const void* values) {
  const Properties creation(checked(H5Pcreate(H5P_ATTRIBUTE_CREATE), "H5Pcreate"));
  checked(H5Pset_char_encoding(creation.id(), H5T_CSET_UTF8), "H5Pset_char_encoding");
  const Attribute attribute(
      checked(H5Acreate2(object, name.c_str(), type.id(), space.id(), creation.id(), H5P_DEFAULT),
              "H5Acreate2"));
  if (values != nullptr) checked(H5Awrite(attribute.id(), type.id(), values), "H5Awrite");
}

Attribute open_attribute(hid_t object, const std::string& name) {
  return Attribute(checked(H5Aopen(object, name.c_str(), H5P_DEFAULT), "H5Aopen"));
}

/// The values of a string attribute of any number of elements.
std::vector<std::string> text_values(const Attribute& attribute, const std::string& name) {
  const Space space(checked(H5Aget_space(attribute.id()), "H5Aget_space"));
  const Type stored(checked(H5Aget_type(attribute.id()), "H5Aget_type"));
  if (checked(H5Tis_variable_str(stored.id()), "H5Tis_variable_str") == 0) {
    throw Error(ErrorKind::input, "attribute " + name + " is not a string of variable length");
  }
  const auto count =
      static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.id())));
  const Type type = variable_text();
  // ASCII is UTF-8, but the library converts neither into the other.
  checked(H5Tset_cset(type.id(), H5Tget_cset(stored.id())), "H5Tset_cset");
  std::vector<char*> pointers(count, nullptr);
  if (count == 0) return {};
  checked(H5Aread(attribute.id(), type.id(), pointers.data()), "H5Aread");
  std::vector<std::string> values;
  values.reserve(count);
  for (const char* pointer : pointers) values.emplace_back(pointer == nullptr ? "" : pointer);
  H5Dvlen_reclaim(type.id(), space.id(), H5P_DEFAULT, pointers.data());
  return values;
}

herr_t append_attribute_name(hid_t, const char* name, const H5A_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

/// Error(input) for a name that would garble the messages it stands in.
void check_name(std::string_view name) {
  if (std::any_of(name.begin(), name.end(), is_control)) {
    throw Error(ErrorKind::input, "it has names with control characters");
  }
}

struct FoundLink {
  std::string name;
  bool is_hard;
};

herr_t append_link(hid_t, const char* name, const H5L_info_t* info, void* found) {
  static_cast<std::vector<FoundLink>*>(found)->push_back({name, info->type == H5L_TYPE_HARD});
  return 0;
}

/// Whether a group keeps the order in which its links were created.
bool tracks_order(hid_t group) {
  H5G_info_t info;
  checked(H5Gget_info(group, &info), "H5Gget_info");
  const Properties creation(checked(H5Gget_create_plist(group), "H5Gget_create_plist"));
  unsigned flags = 0;
  checked(H5Pget_link_creation_order(creation.id(), &flags), "H5Pget_link_creation_order");
  return (flags & H5P_CRT_ORDER_TRACKED) != 0;
}

}  // namespace

void set_text(hid_t object, const std::string& name, const std::string& value) {
  const char* pointer = value.c_str();
  set_attribute(object, name, variable_text(), space_of({}), &pointer);
}

void set_texts(hid_t object, const std::string& name, const std::vector<std::string>& values) {
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  set_attribute(object, name, variable_text(), space_of({values.size()}),
                values.empty() ? nullptr : pointers.data());
}

void set_integer(hid_t object, const std::string& name, std::int64_t value) {
  set_attribute(object, name, int64(), space_of({}), &value);
}

bool has_attribute(hid_t object, const std::string& name) {
  return checked(H5Aexists(object, name.c_str()), "H5Aexists") > 0;
}

std::vector<std::string> attribute_names(hid_t object) {
  std::vector<std::string> names;
  checked(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, append_attribute_name, &names),
          "H5Aiterate2");
  for (const std::string& name : names) check_name(name);
  return names;
}

std::string text(hid_t object, const std::string& name) {
  const Attribute attribute = open_attribute(object, name);
  const Type stored(checked(H5Aget_type(attribute.id()), "H5Aget_type"));
  const Space space(checked(H5Aget_space(attribute.id()), "H5Aget_space"));
  if (H5Sget_simple_extent_type(space.id()) != H5S_SCALAR) {
    throw Error(ErrorKind::input, "attribute " + name + " is not a scalar");
  }
  if (H5Tget_class(stored.id()) != H5T_INTEGER) return text_values(attribute, name).front();
  std::int64_t value = 0;
  checked(H5Aread(attribute.id(), H5T_NATIVE_INT64, &value), "H5Aread");
  return std::to_string(value);
}

std::vector<std::string> texts(hid_t object, const std::string& name) {
  return text_values(open_attribute(object, name), name);
}

std::vector<double> numbers(hid_t object, const std::string& name, std::size_t most) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::input, "attribute " + quote(name) + " holds " + why);
  };
  const Attribute attribute = open_attribute(object, name);
  const Type stored(checked(H5Aget_type(attribute.id()), "H5Aget_type"));
  const H5T_class_t stored_class = H5Tget_class(stored.id());
  if (stored_class != H5T_INTEGER && stored_class != H5T_FLOAT) refuse("no numbers");
  const Space space(checked(H5Aget_space(attribute.id()), "H5Aget_space"));
  const auto count =
      static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space.id())));
  if (count > most)
    refuse(std::to_string(count) + " numbers, and " + std::to_string(most) + " are the most");
  std::vector<double> values(count);
  if (count > 0) checked(H5Aread(attribute.id(), H5T_NATIVE_DOUBLE, values.data()), "H5Aread");
  return values;
}

std::vector<Link> links(hid_t group) {
  std::vector<FoundLink> found;
  const H5_index_t index = tracks_order(group) ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
  checked(H5Literate(group, index, H5_ITER_INC, nullptr, append_link, &found), "H5Literate");
  std::vector<Link> result;
  for (FoundLink& link : found) {
    check_name(link.name);
    if (!link.is_hard) {
      throw Error(ErrorKind::input, "link " + link.name + " leads elsewhere");
    }
    H5O_info_t info;
    checked(H5Oget_info_by_name(group, link.name.c_str(), &info, H5P_DEFAULT),
            "H5Oget_info_by_name");
    // Objects of many names could make an endless tree of a small file.
    if (info.rc > 1) throw Error(ErrorKind::input, "object " + link.name + " has several names");
    if (info.type != H5O_TYPE_GROUP && info.type != H5O_TYPE_DATASET) {
      throw Error(ErrorKind::input, "object " + link.name + " is neither group nor dataset");
    }
    result.push_back({std::move(link.name), info.type == H5O_TYPE_GROUP});
  }
  return result;
}

}  // namespace gainsweep::archive::hdf5
