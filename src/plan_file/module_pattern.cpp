#include "plan_file/module_pattern.hpp"

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::plan_file {
namespace {

constexpr std::string_view mark = "re:";
constexpr std::size_t most_letters = 256;
constexpr auto most_repetitions = 4;  // std::regex tries all ways to share out a name among them

bool is_repetition(char letter) {
  return letter == '*' || letter == '+' || letter == '{';
}

/// Whether matching takes a bounded time: no group is repeated, and few letters are.
bool is_bounded(std::string_view expression) {
  if (expression.size() > most_letters) return false;
  auto repetitions = 0;
  for (std::size_t i = 0; i < expression.size(); ++i) {
    if (expression[i] == '\\') {
      ++i;
      continue;
    }
    if (!is_repetition(expression[i])) continue;
    ++repetitions;
    if (i > 0 && expression[i - 1] == ')') return false;
  }
  return repetitions <= most_repetitions;
}

}  // namespace

ModulePattern ModulePattern::of(const std::string& text, const std::string& key,
                                const std::filesystem::path& file) {
  if (text == "Linear") return {Kind::linear, text};
  if (!text.starts_with(mark)) return {Kind::name, text};
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::input, file.string() + ": " + key + " has " + quote(text) + " (" + why +
                                      "). Write the names of the modules.");
  };
  const auto expression = text.substr(mark.size());
  if (!is_bounded(expression))
    refuse("it is long or repeats groups, which could take very long to match");
  ModulePattern pattern{Kind::expression, text};
  try {
    pattern.expression_ = std::regex(expression, std::regex::ECMAScript);
  } catch (const std::regex_error&) {
    refuse("no regular expression");
  }
  return pattern;
}

bool ModulePattern::matches(const std::string& module) const {
  switch (kind_) {
    case Kind::linear:
      return true;
    case Kind::name:
      return module == text_;
    case Kind::expression:
      return module.size() <= most_letters &&
             std::regex_search(module, expression_, std::regex_constants::match_continuous);
  }
  return false;
}

}  // namespace gainsweep::plan_file
