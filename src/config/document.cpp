#include "config/document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <string_view>
#include <unordered_map>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "config/aliases.hpp"

namespace gainsweep::config {
namespace {

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}

std::size_t size_of(const Node& node) {
  std::size_t size = 1;
  for (const Node& item : node.items) size += size_of(item);
  for (const Entry& entry : node.entries) size += size_of(entry.value);
  return size;
}

/// Builds the tree from the parser's events. It looks at the events and not at yaml-cpp's own
/// nodes, which keep the first of two equal keys and expand aliases without a word.
class Builder : public YAML::EventHandler {
 public:
  Builder(Problems& problems, bool has_aliases) : problems_(problems), has_aliases_(has_aliases) {}

  std::optional<Node> root;

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    place({.kind = Node::Kind::null, .line = line_of(mark)}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto named = anchored_.find(anchor);
    if (named != anchored_.end() && (meant_ += size_of(named->second)) <= most_meant) {
      place(Node(named->second));
      return;
    }
    problems_.add(line_of(mark), path(),
                  "an alias (" +
                      (has_aliases_ ? "of itself, or of very much, again and again"
                                    : noun() + " says everything where it stands") +
                      "). Write the value out.");
    place({.kind = Node::Kind::refused, .line = line_of(mark)});
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    place({.kind = Node::Kind::scalar, .line = line_of(mark), .text = value, .quoted = tag == "!"},
          anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::mapping, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A collection whose end has not been seen.
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    std::optional<Entry> pending;                ///< of a mapping: the key whose value comes next
    bool keep_pending = true;                    ///< the pending key is a sound one
    std::unordered_map<std::string, int> lines;  ///< of the keys so far
  };

  const std::string& noun() const { return problems_.kind().noun; }

  std::string path() const {
    std::string text;
    for (const auto& level : open_) {
      if (level.node.kind == Node::Kind::sequence) {
        text += "[" + std::to_string(level.node.items.size()) + "]";
      } else if (level.pending) {
        text += (text.empty() ? "" : ".") + shown_key(level.pending->key);
      }
    }
    return text;
  }

  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (open_.size() >= most_levels) {
      throw YAML::ParserException(mark, "nested deeper than " + std::to_string(most_levels));
    }
    open_.push_back({});
    open_.back().node = {.kind = kind, .line = line_of(mark)};
    open_.back().anchor = anchor;
  }

  void close() {
    Node node = std::move(open_.back().node);
    const auto anchor = open_.back().anchor;
    open_.pop_back();
    place(std::move(node), anchor);
  }

  void place(Node node, YAML::anchor_t anchor = 0) {
    if (anchor != 0 && has_aliases_) anchored_.insert_or_assign(anchor, node);
    if (open_.empty()) {
      root = std::move(node);
    } else if (auto& top = open_.back(); top.node.kind == Node::Kind::sequence) {
      top.node.items.push_back(std::move(node));
    } else if (!top.pending) {
      take_key(top, node);
    } else {
      if (top.keep_pending) {
        top.pending->value = std::move(node);
        top.node.entries.push_back(std::move(*top.pending));
      }
      top.pending.reset();
    }
  }

  void take_key(Open& mapping, const Node& node) {
    mapping.keep_pending = false;
    if (node.kind != Node::Kind::scalar) {
      if (node.kind != Node::Kind::refused) {
        problems_.add(node.line, path(), "a key that is no text (keys are names). Write a name.");
      }
      mapping.pending = Entry{.key = "?", .line = node.line, .value = {}};
      return;
    }
    mapping.pending = Entry{.key = node.text, .line = node.line, .value = {}};
    const auto [first, is_new] = mapping.lines.try_emplace(node.text, node.line);
    if (!node.quoted && node.text == "<<") {
      problems_.add(
          node.line, path(),
          "a merge key (" + noun() + " says everything where it stands). Write the keys out.");
    } else if (!is_new) {
      problems_.add(node.line, path(),
                    "a doubled key (it stands on line " + std::to_string(first->second) +
                        " already). Remove one of the two.");
    } else {
      mapping.keep_pending = true;
    }
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor == 0 || has_aliases_) return;
    problems_.add(line_of(mark), path(),
                  "an anchor (" + noun() + " says everything where it stands). Remove it.");
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    problems_.add(line_of(mark), path(),
                  "the tag " + shown(tag) + " (a key's type is fixed). Remove the tag.");
  }

  Problems& problems_;
  bool has_aliases_;
  std::vector<Open> open_;
  std::unordered_map<YAML::anchor_t, Node> anchored_;
  std::size_t meant_ = 0;  ///< values that aliases stood for so far
};

/// Reports the first byte that keeps the file from being UTF-8 text; yaml-cpp would guess at other
/// encodings and takes some control characters for the end of the file.
bool is_text(const std::string& text, Problems& problems) {
  int line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = utf8_size(std::string_view(text).substr(i));
    const bool control =
        is_control(text[i]) && text[i] != '\t' && text[i] != '\n' && text[i] != '\r';
    if (size == 0 || control) {
      problems.add(
          line, "",
          (control ? "a control character (" : "bytes that are no UTF-8 (") + problems.kind().noun +
              (control ? " is plain text). Remove it." : " is UTF-8 text). Save it as UTF-8."));
      return false;
    }
    if (text[i] == '\n') ++line;
    i += size;
  }
  return true;
}

/// Reports every line that is indented with a tab, which YAML forbids.
bool has_no_tabs(const std::string& text, Problems& problems) {
  std::istringstream stream(text);
  std::string row;
  bool clean = true;
  for (int line = 1; std::getline(stream, row); ++line) {
    const std::size_t start = row.find_first_not_of(" \t\r");
    if (start == std::string::npos || row[start] == '#') continue;
    if (row.find('\t') < start) {
      problems.add(line, "", "a tab in the indentation (YAML forbids it). Indent with spaces.");
      clean = false;
    }
  }
  return clean;
}

/// yaml-cpp's messages are ASCII but for the byte of the text that some end with.
std::string printable(std::string message) {
  std::replace_if(
      message.begin(), message.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return message;
}

/// The root node, which may be of any kind; nothing when the text is no single YAML document.
std::optional<Node> parse_yaml(const std::string& text, Problems& problems, bool has_aliases) {
  Builder builder(problems, has_aliases);
  std::istringstream stream(text);
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    Problems ignored("");
    Builder second(ignored, has_aliases);
    if (parser.HandleNextDocument(second)) {
      problems.add(second.root ? second.root->line : 1, "",
                   "a second YAML document (a file holds one spec). Split the file at `---`.");
      return std::nullopt;
    }
  } catch (const YAML::Exception& error) {
    // yaml-cpp marks what it cannot place with -1.
    const int line = std::max(1, line_of(error.mark));
    problems.add(
        line, "",
        "not YAML (" + printable(error.msg) + "). Check the brackets, quotes and indentation.");
    return std::nullopt;
  }
  return std::move(builder.root);
}

void place_on(Node& node, int line) {
  node.line = line;
  for (Node& item : node.items) place_on(item, line);
  for (Entry& entry : node.entries) {
    entry.line = line;
    place_on(entry.value, line);
  }
}

std::optional<Node> mapping_of(const std::string& text, Problems& problems, bool has_aliases) {
  if (text.size() > most_bytes) {
    problems.add(1, "",
                 "more than " + std::to_string(most_bytes) + " bytes (" + problems.kind().noun +
                     " is not that long). Name " + problems.kind().noun + ".");
    return std::nullopt;
  }
  if (!is_text(text, problems) || !has_no_tabs(text, problems)) return std::nullopt;
  auto root = parse_yaml(text, problems, has_aliases);
  if (root && root->kind == Node::Kind::mapping) return root;
  if (!root && problems.touch("")) return std::nullopt;
  const auto& noun = problems.kind().noun;
  const auto& example = problems.kind().example;
  if (!root || root->kind == Node::Kind::null) {
    problems.add(1, "",
                 "an empty file (" + noun + " is a mapping of keys). Start from " + example + ".");
  } else {
    problems.add(root->line, "",
                 "no mapping (" + noun + " is a mapping of keys). Start from " + example + ".");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Node> parse_value(const std::string& text, int line, const std::string& path,
                                Problems& problems) {
  Problems own("");
  std::optional<Node> value;
  if (is_text(text, own) && has_no_tabs(text, own))
    value = parse_yaml(text, own, /*has_aliases=*/false);
  for (const auto& what : own.texts()) problems.add(line, path, what);
  if (!own.texts().empty()) return std::nullopt;
  if (!value) value = Node{};
  place_on(*value, line);
  return value;
}

std::optional<Node> parse_document(const std::string& text, Problems& problems) {
  return mapping_of(text, problems, /*has_aliases=*/false);
}

std::optional<Node> parse_with_aliases(const std::string& text, Problems& problems) {
  return mapping_of(text, problems, /*has_aliases=*/true);
}

}  // namespace gainsweep::config
