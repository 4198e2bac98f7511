#include "config/print.hpp"

#include "config/value_text.hpp"

namespace gainsweep::config {
namespace {

/// Sections as indented blocks, everything else in YAML's flow style on one line.
void print(const Section& section, const std::string& indent, std::string& text) {
  for (const auto& key : section.keys) {
    if (!key.in_use) continue;
    text += indent + key.name + ":";
    if (const auto* inner = std::get_if<Section>(&key.value)) {
      text += "\n";
      print(*inner, indent + "  ", text);
    } else {
      text += " " + value_text(key.value) + "\n";
    }
  }
}

}  // namespace

std::string resolved(const Kind& kind, Draft& draft, const Kinds& kinds) {
  Heading heading{.experiment = kind.name};
  std::string text;
  print(describe(heading, draft, kinds), "", text);
  return text;
}

}  // namespace gainsweep::config
