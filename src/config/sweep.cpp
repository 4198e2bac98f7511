#include "config/sweep.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "config/reader.hpp"

namespace gainsweep::config {
namespace {

constexpr const char* sweep_key = "sweep";
constexpr const char* example = "Write '{product: {KEY: [VALUE, VALUE]}}'.";

void collect_leaves(const Section& section, const std::string& path,
                    std::vector<std::pair<std::string, const Key*>>& found) {
  for (const auto& key : section.keys) {
    const std::string name = path.empty() ? key.name : path + "." + key.name;
    if (const auto* inner = std::get_if<Section>(&key.value)) {
      collect_leaves(*inner, name, found);
    } else if (!key.fixed) {
      found.emplace_back(name, &key);
    }
  }
}

/// A user's key in a path: as it is where it looks like one.
std::string within(const std::string& path, const std::string& key) {
  return path + "." + (is_name(key) ? key : shown(key));
}

/// Reads the mapping under `sweep:`.
class SweepReader {
 public:
  SweepReader(const Section& root, const std::vector<Moved>& moved, Problems& problems)
      : moved_(moved), problems_(problems) {
    for (const auto& [path, key] : leaves(root)) paths_.push_back(path);
    for (const auto& key : root.keys)
      if (key.fixed) fixed_.push_back(key.name);
  }

  std::vector<Axis> read(const Entry& sweep) {
    if (sweep.value.kind != Node::Kind::mapping || sweep.value.entries.empty()) {
      problems_.add(
          sweep.line, sweep_key,
          shown(sweep.value) + " where 'product' or 'zip' belong (" + sweep_help + "). " + example);
      return {};
    }
    for (const auto& entry : sweep.value.entries) {
      if (entry.key == "product" || entry.key == "zip") {
        read_group(entry);
      } else {
        problems_.add(entry.line, within(sweep_key, entry.key),
                      "an unknown key ('sweep' has no such key). The keys here are product, zip.");
      }
    }
    check_count(sweep.line);
    return std::move(axes_);
  }

 private:
  void read_group(const Entry& group) {
    const std::string path = std::string(sweep_key) + "." + group.key;
    if (group.value.kind != Node::Kind::mapping || group.value.entries.empty()) {
      problems_.add(group.line, path,
                    shown(group.value) + " where leaves with lists of values belong. " + example);
      return;
    }
    Axis together;
    for (const auto& entry : group.value.entries) {
      if (!is_sound(entry, path)) continue;
      Variation variation{entry.key, entry.line, entry.value.items};
      if (group.key == "product") {
        axes_.push_back({std::move(variation)});
      } else {
        together.push_back(std::move(variation));
      }
    }
    if (group.key == "zip") add_zip(std::move(together), path);
  }

  bool is_sound(const Entry& entry, const std::string& group) {
    const auto report = [&](const std::string& what) {
      problems_.add(entry.line, within(group, entry.key), what);
      return false;
    };
    if (std::find(paths_.begin(), paths_.end(), entry.key) == paths_.end()) {
      return report(why_no_leaf(entry.key));
    }
    if (entry.value.kind == Node::Kind::refused) return false;
    if (entry.value.kind != Node::Kind::sequence || entry.value.items.empty()) {
      const bool is_list = entry.value.kind == Node::Kind::sequence;
      return report((is_list ? "an empty list" : shown(entry.value)) +
                    " where a list of values belongs (a leaf that is a list itself takes a list of "
                    "lists). Write its values in brackets.");
    }
    const auto [first, is_new] = lines_.try_emplace(entry.key, entry.line);
    return is_new || report("swept on line " + std::to_string(first->second) +
                            " already. Remove one of the two.");
  }

  std::string why_no_leaf(const std::string& name) const {
    if (const auto moved = complaint(moved_, name)) return *moved;
    const auto meant = closest(name, paths_);
    return "no leaf of a spec that can be swept (leaves are whole dotted paths; " + join(fixed_) +
           " stay). " +
           (meant.empty() ? "'gainsweep show --reference' lists them."
                          : "Did you mean '" + meant + "'?");
  }

  void add_zip(Axis axis, const std::string& path) {
    for (const auto& variation : axis) {
      if (variation.values.size() == axis.front().values.size()) continue;
      problems_.add(variation.line, path + "." + variation.path,
                    std::to_string(variation.values.size()) + " values where " + axis.front().path +
                        " has " + std::to_string(axis.front().values.size()) +
                        " (leaves under 'zip' change together). Give them equally many.");
      return;
    }
    if (!axis.empty()) axes_.push_back(std::move(axis));
  }

  void check_count(int line) {
    std::size_t count = 1;
    for (const auto& axis : axes_) {
      count *= axis.front().values.size();
      if (count <= most_points) continue;
      problems_.add(line, sweep_key,
                    "more than " + std::to_string(most_points) +
                        " points. Write fewer values, or several specs.");
      axes_.clear();
      return;
    }
  }

  const std::vector<Moved>& moved_;
  Problems& problems_;
  std::vector<std::string> paths_;
  std::vector<std::string> fixed_;
  std::vector<Axis> axes_;
  Lines lines_;
};

}  // namespace

void put(Node& mapping, const std::string& path, const Node& value) {
  // A section that is no mapping is reported with the spec as it stands without its sweep.
  if (mapping.kind != Node::Kind::mapping) return;
  const auto dot = path.find('.');
  const auto name = path.substr(0, dot);
  auto found = std::find_if(mapping.entries.begin(), mapping.entries.end(),
                            [&](const Entry& entry) { return entry.key == name; });
  if (found == mapping.entries.end()) {
    mapping.entries.push_back(
        {name, value.line, {.kind = Node::Kind::mapping, .line = value.line}});
    found = std::prev(mapping.entries.end());
  }
  if (dot == std::string::npos) {
    found->line = value.line;
    found->value = value;
  } else {
    put(found->value, path.substr(dot + 1), value);
  }
}

std::vector<std::pair<std::string, const Key*>> leaves(const Section& root) {
  std::vector<std::pair<std::string, const Key*>> found;
  collect_leaves(root, "", found);
  return found;
}

std::vector<Axis> take_sweep(Node& document, const Section& root, const std::vector<Moved>& moved,
                             Problems& problems) {
  const auto found = std::find_if(document.entries.begin(), document.entries.end(),
                                  [](const Entry& entry) { return entry.key == sweep_key; });
  if (found == document.entries.end()) return {};
  const Entry sweep = std::move(*found);
  document.entries.erase(found);
  if (sweep.value.kind == Node::Kind::refused) return {};
  return SweepReader(root, moved, problems).read(sweep);
}

std::set<std::string> paths_of(const std::vector<Axis>& axes) {
  std::set<std::string> paths;
  for (const auto& axis : axes) {
    for (const auto& variation : axis) paths.insert(variation.path);
  }
  return paths;
}

std::size_t count_combinations(const std::vector<Axis>& axes) {
  std::size_t count = 1;
  for (const auto& axis : axes) count *= axis.front().values.size();
  return count;
}

Node substitute(Node document, const std::vector<Axis>& axes, std::size_t combination) {
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    const auto count = axis->front().values.size();
    for (const auto& variation : *axis) {
      put(document, variation.path, variation.values[combination % count]);
    }
    combination /= count;
  }
  return document;
}

}  // namespace gainsweep::config
