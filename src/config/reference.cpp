#include "config/reference.hpp"

#include <algorithm>

#include "config/sweep.hpp"
#include "config/value_text.hpp"

namespace gainsweep::config {
namespace {

constexpr const char* introduction =
    "# Spec\n\n"
    "A spec is one YAML file that describes a whole experiment. This page is generated from the\n"
    "reader's own description of the keys; `spec.schema.json` beside it is the same for "
    "editors.\n\n"
    "A path that starts with `./` or `../` starts from the folder of the spec's file, one with "
    "`~/` "
    "from\nthe user's home; every other relative path starts from the working directory of the run "
    "(so do those\nof a spec that is read from a pipe, and those of `--set`). A key without a "
    "default has to be\n"
    "written. Everything that is wrong with a spec is reported together, each problem with file,\n"
    "line and key, before any work starts. Beyond YAML's own rules: no unknown or doubled keys, "
    "no\n"
    "anchors, aliases, merge keys or tags, one document to a file, finite decimal numbers without\n"
    "quotes or leading zeros, `true` and `false` as the only flags.\n";

/// A help text as a sentence of its own; help texts start with an ASCII letter.
std::string sentence(std::string help) {
  if (help[0] >= 'a' && help[0] <= 'z') help[0] = static_cast<char>(help[0] - 'a' + 'A');
  return help + ".";
}

bool is_section(const Key& key) {
  return std::holds_alternative<Section>(key.value);
}

void print_rows(const Section& section, const std::string& path, std::string& text) {
  for (const auto& key : section.keys) {
    if (is_section(key)) continue;
    text += "| `" + path + key.name + "` | " + wanted(key.value) +
            (key.unit.empty() ? "" : ", in " + key.unit) + " | " +
            (key.example.empty() ? "`" + value_text(key.value) + "`"
                                 : "none, e.g. `" + key.example + "`") +
            " | " + key.help + " |\n";
    if (const auto* sections = std::get_if<Sections>(&key.value))
      print_rows(each(*sections), path + key.name + "[].", text);
  }
}

void print_table(const Section& section, const std::string& path, std::string& text) {
  if (std::all_of(section.keys.begin(), section.keys.end(), is_section)) return;
  text += "\n| key | value | default | meaning |\n|---|---|---|---|\n";
  print_rows(section, path, text);
}

void print_sections(const Section& section, const std::string& path, std::string& text) {
  for (const auto& key : section.keys) {
    const auto* inner = std::get_if<Section>(&key.value);
    if (inner == nullptr) continue;
    const std::string name = path + key.name;
    text += "\n### `" + name + "`\n\n" + sentence(key.help) + "\n";
    print_table(*inner, name + ".", text);
    print_sections(*inner, name + ".", text);
  }
}

std::string about_sweeps() {
  return std::string("\n## `sweep`\n\n") + sentence(sweep_help) +
         " A spec is whole without it: a swept leaf's own value is replaced.\n\n"
         "| key | value | meaning |\n|---|---|---|\n"
         "| `sweep.product` | paths of leaves, each with a list of values | " +
         product_help + " |\n| `sweep.zip` | the same, lists of one length | " + zip_help +
         " |\n\nA leaf is any key on this page that has a value, written with its whole path; "
         "`schema`,\n`experiment` and `name` stay. The keys of `zip` count as one key of "
         "`product`; the last key\nchanges fastest. At most " +
         std::to_string(most_points) + " points, and at most " +
         std::to_string(most_swept_bytes >> 20) + " MiB of points times bytes of the spec.\n";
}

void print_kind(const Kind& kind, bool is_default, std::string& text) {
  const auto draft = kind.make_draft();
  const Section own = draft->own();
  text += "\n## `experiment: " + kind.name + "`\n\n" + sentence(kind.help) +
          (is_default ? " The default.\n" : "\n");
  print_table(own, "", text);
  print_sections(own, "", text);
  text += "\n### Rules between keys\n\n";
  for (const auto& statement : draft->rules()) text += "* " + statement + "\n";
  if (kind.sweep_example.empty()) return;
  text += "\n### A sweep\n\n```yaml\n" + kind.sweep_example + "```\n";
}

}  // namespace

std::string reference(const Kinds& kinds) {
  Heading heading;
  const auto draft = kinds.front().make_draft();
  Section shared = describe(heading, kinds);
  for (const auto& key : draft->common().keys) shared.keys.push_back(key);
  std::string text = introduction;
  text += "\n## Keys of every spec\n";
  print_table(shared, "", text);
  print_sections(shared, "", text);
  text += about_sweeps();
  for (const auto& kind : kinds) print_kind(kind, &kind == &kinds.front(), text);
  return text;
}

}  // namespace gainsweep::config
