#include "model/strict_json.hpp"

#include <functional>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

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
      if (!keys_[static_cast<std::size_t>(depth)].insert(key).second) {
        refuse("key " + quote(key) + " is given twice");
      }
    }
    return true;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::input,
                file_.string() + ": " + what + ". Repair or fetch the file again.");
  }

  std::filesystem::path file_;
  std::vector<std::set<std::string>> keys_;  ///< of the open object at each depth
};

// The library's own messages quote what it last read, which may be long or unprintable.
[[noreturn]] void refuse_json(const std::filesystem::path& file, const std::string& why) {
  throw Error(ErrorKind::input,
              file.string() + ": not valid JSON (" + why + "). Repair or fetch the file again.");
}

}  // namespace

json parse_json(std::string_view text, const std::filesystem::path& file) {
  Strictness strictness(file);
  try {
    return json::parse(text.begin(), text.end(), std::ref(strictness));
  } catch (const json::parse_error& error) {
    refuse_json(file, "at byte " + std::to_string(error.byte));
  } catch (const json::exception&) {
    refuse_json(file, "a number out of range");
  }
}

}  // namespace gainsweep::model
