#include "config/check.hpp"
#include "config/description.hpp"
#include "config/read.hpp"
#include "config/sweep.hpp"
#include "config/value_text.hpp"

namespace gainsweep::config {
namespace {

constexpr const char* introduction =
    "# Spec\n\n"
    "A spec is one YAML file that describes a whole experiment. This page is generated from the\n"
    "reader's own description of the keys; `spec.schema.json` beside it is the same for "
    "editors.\n\n"
    "Paths are relative to the working directory of the run. A key without a default has to be\n"
    "written. Everything that is wrong with a spec is reported together, each problem with file,\n"
    "line and key, before any work starts. Beyond YAML's own rules: no unknown or doubled keys, "
    "no\n"
    "anchors, aliases, merge keys or tags, one document to a file, finite decimal numbers without\n"
    "quotes or leading zeros, `true` and `false` as the only flags.\n";

constexpr const char* sweep_example =
    "sweep:\n"
    "  product:\n"
    "    calibration.samples: [16, 64, 256]\n"
    "  zip:\n"
    "    solve.loss_model: [first_order, bias]\n"
    "    solve.noise: [paper, empirical]\n";

/// A help text as a sentence of its own; help texts start with an ASCII letter.
std::string sentence(std::string help) {
  if (help[0] >= 'a' && help[0] <= 'z') help[0] = static_cast<char>(help[0] - 'a' + 'A');
  return help + ".";
}

void print_table(const Section& section, const std::string& path, std::string& text) {
  text += "\n| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const auto& key : section.keys) {
    if (std::holds_alternative<Section>(key.value)) continue;
    text += "| `" + path + key.name + "` | " + wanted(key.value) +
            (key.unit.empty() ? "" : ", in " + key.unit) + " | " +
            (key.example.empty() ? "`" + value_text(key.value) + "`"
                                 : "none, e.g. `" + key.example + "`") +
            " | " + key.help + " |\n";
  }
}

void print_sections(const Section& section, const std::string& path, std::string& text) {
  for (const auto& key : section.keys) {
    const auto* inner = std::get_if<Section>(&key.value);
    if (inner == nullptr) continue;
    const std::string name = path + key.name;
    text += "\n## `" + name + "`\n\n" + sentence(key.help) + "\n";
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
         " |\n\nA leaf is any key above that has a value, written with its whole path; `schema` "
         "and "
         "`name` stay.\nThe keys of `zip` count as one key of `product`; the last key changes "
         "fastest. At most " +
         std::to_string(most_points) + " points, and at most " +
         std::to_string(most_swept_bytes >> 20) +
         " MiB of points times bytes of the spec.\n\n```yaml\n" + sweep_example + "```\n";
}

}  // namespace

std::string reference() {
  Draft draft = make_draft();
  const Section root = describe(draft);
  std::string text = introduction;
  text += "\n## Top level\n";
  print_table(root, "", text);
  print_sections(root, "", text);
  text += about_sweeps();
  text += "\n## Rules between keys\n\n";
  for (const auto& statement : rules()) text += "* " + statement + "\n";
  return text;
}

}  // namespace gainsweep::config
