#include "config/reader.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace gainsweep::config {
namespace {

std::string inside(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::vector<std::string> names_of(const Section& section) {
  std::vector<std::string> names;
  for (const auto& key : section.keys) names.push_back(key.name);
  return names;
}

/// Paths of all keys of a name.
void find_named(const Section& section, const std::string& name, const std::string& path,
                std::vector<std::string>& found) {
  for (const auto& key : section.keys) {
    if (key.name == name) found.push_back(inside(path, name));
    if (const auto* inner = std::get_if<Section>(&key.value)) {
      find_named(*inner, name, inside(path, key.name), found);
    }
  }
}

}  // namespace

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
    default:
      return shown(node.text);
  }
}

void Reader::read(const Section& section, const Node& mapping, const std::string& path, int line) {
  std::vector<std::string> written;
  for (const auto& entry : mapping.entries) {
    const auto key =
        std::find_if(section.keys.begin(), section.keys.end(),
                     [&](const Key& candidate) { return candidate.name == entry.key; });
    if (key == section.keys.end()) {
      report_unknown(section, entry, path);
      continue;
    }
    written.push_back(key->name);
    read(Place{*key, entry.value, inside(path, key->name), entry.line});
  }
  // In a section that stands here, what its inner sections lack is theirs to report if they are
  // written, too.
  for (const auto& [inner, key] : required(section)) {
    const std::string first = inner.substr(0, inner.find('.'));
    if (std::find(written.begin(), written.end(), first) == written.end()) {
      report_missing(inside(path, inner), *key, line);
    }
  }
}

void Reader::read(const Place& place) {
  lines_[place.path] = place.line;
  if (place.node.kind == Node::Kind::refused) return;
  std::visit([&](const auto& value) { read_value(value, place); }, place.key.value);
}

void Reader::read_value(const Section& section, const Place& place) {
  if (place.node.kind == Node::Kind::mapping) {
    read(section, place.node, place.path, place.line);
  } else if (place.node.kind == Node::Kind::null) {
    problems_.add(place.line, place.path,
                  "empty (" + place.key.help + "). Write keys under it, or remove it.");
  } else {
    problems_.add(place.line, place.path,
                  shown(place.node) + " where keys belong (" + place.key.help + "). The keys are " +
                      join(names_of(section)) + ".");
  }
}

void Reader::read_value(const Sections& sections, const Place& place) {
  if (!is_list(place)) return;
  const auto& items = place.node.items;
  sections.resize(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto path = place.path + "[" + std::to_string(i) + "]";
    const Key key{place.key.name, place.key.help, sections.at(i)};
    read({key, items[i], path, items[i].line});
  }
}

std::optional<std::string> complaint(const std::vector<Moved>& moved, const std::string& path) {
  const auto key = std::find_if(moved.begin(), moved.end(),
                                [&](const Moved& candidate) { return candidate.from == path; });
  if (key == moved.end()) return {};
  if (key->to.empty()) return "no longer a key (" + key->why + "). Remove it.";
  return "moved to '" + key->to + "' (" + key->why + "). Write it there.";
}

void Reader::report_unknown(const Section& section, const Entry& entry, const std::string& path) {
  const std::string whole = inside(path, shown_key(entry.key));
  if (const auto moved = complaint(moved_, whole)) {
    problems_.add(entry.line, whole, *moved);
    return;
  }
  std::vector<std::string> elsewhere;
  find_named(root_, entry.key, "", elsewhere);
  auto names = names_of(section);
  if (path.empty()) names.insert(names.end(), further_.begin(), further_.end());
  const std::string similar = closest(entry.key, names);
  std::string advice = "The keys here are " + join(names) + ".";
  if (!similar.empty()) {
    advice = "Did you mean '" + similar + "'?";
  } else if (!elsewhere.empty()) {
    const bool top = elsewhere.front() == entry.key;
    advice = "Did you mean '" + elsewhere.front() + (top ? "' at the top level?" : "'?");
  }
  problems_.add(entry.line, whole,
                "an unknown key (" + (path.empty() ? problems_.kind().noun : "'" + path + "'") +
                    " has no such key). " + advice);
}

void Reader::report_missing(const std::string& path, const Key& key, int line) {
  problems_.add(
      line, path,
      "missing (" + key.help + "). Write it, for example '" + key.name + ": " + key.example + "'.");
}

}  // namespace gainsweep::config
