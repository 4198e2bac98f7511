#include "model/strict_json.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "disk/foreign.hpp"

namespace gainsweep::model {
namespace {

using nlohmann::json;

constexpr int deepest = 16;

/// Follows the parser's events and refuses doubled keys and deep nesting.
class Strictness {
 public:
  explicit Strictness(const std::filesystem::path& file) : file_(file), keys_(deepest + 2) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= deepest) {
      refuse("nested deeper than " + std::to_string(deepest) + " levels");
    }
    if (opens) keys_[static_cast<std::size_t>(depth) + 1].clear();
    if (event == json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      last_key_ = key;
      if (!keys_[static_cast<std::size_t>(depth)].insert(key).second) {
        refuse("key " + quote(key) + " is given twice");
      }
    }
    return true;
  }

  /// " after key 'k'" once there was a key.
  std::string place() const { return last_key_ ? " after key " + quote(*last_key_) : ""; }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::input,
                file_.string() + ": " + what + ". Repair or fetch the file again.");
  }

  std::filesystem::path file_;
  std::vector<std::set<std::string>> keys_;  ///< of the open object at each depth
  std::optional<std::string> last_key_;
};

// The library's own messages quote what it last read, which may be long or unprintable.
[[noreturn]] void refuse_json(const std::filesystem::path& file, const std::string& why,
                              const std::string& advice = "Repair or fetch the file again") {
  throw Error(ErrorKind::input, file.string() + ": not valid JSON (" + why + "). " + advice + ".");
}

/// The word of Python's JSON at which a parser that ended at `byte`, counted from 1, had stopped.
std::string python_number(std::string_view text, std::size_t byte) {
  for (const char* word : {"-Infinity", "Infinity", "NaN"}) {
    const auto start = text.rfind(word, byte);
    if (start != std::string_view::npos && start < byte &&
        byte <= start + std::string_view(word).size())
      return word;
  }
  return "";
}

[[noreturn]] void refuse_syntax(std::string_view text, const std::filesystem::path& file,
                                std::size_t byte, const std::string& place) {
  const auto kind =
      disk::foreign_content(std::as_bytes(std::span(text.data(), text.size())), "JSON");
  if (!kind.empty()) throw Error(ErrorKind::input, file.string() + ": it is " + kind + ".");
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size()));
  const auto line = 1 + std::count(text.begin(), end, '\n');
  const auto where = "line " + std::to_string(line) + place;
  const auto word = python_number(text, byte);
  if (!word.empty())
    refuse_json(file, where + ": " + word + ", which Python writes and JSON does not have",
                "Give a number or remove the key");
  refuse_json(file, where + ", at byte " + std::to_string(byte));
}

}  // namespace

json parse_json(std::string_view text, const std::filesystem::path& file) {
  Strictness strictness(file);
  try {
    return json::parse(text.begin(), text.end(), std::ref(strictness));
  } catch (const json::parse_error& error) {
    refuse_syntax(text, file, error.byte, strictness.place());
  } catch (const json::exception&) {
    refuse_json(file, "a number out of range" + strictness.place());
  }
}

}  // namespace gainsweep::model
