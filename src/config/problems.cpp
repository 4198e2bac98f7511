#include "config/problems.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace gainsweep::config {
namespace {

constexpr std::size_t most_shown_problems = 50;
constexpr std::size_t most_shown_bytes = 60;

bool inside(const std::string& path, const std::string& outer) {
  if (outer.empty() || path == outer) return true;
  return path.starts_with(outer) && (path[outer.size()] == '.' || path[outer.size()] == '[');
}

}  // namespace

void Problems::add(int line, const std::string& path, const std::string& what) {
  const Problem problem{line, path, what};
  if (std::find(problems_.begin(), problems_.end(), problem) == problems_.end())
    problems_.push_back(problem);
}

bool Problems::touch(const std::string& path) const {
  return std::any_of(problems_.begin(), problems_.end(), [&](const Problem& problem) {
    return inside(path, problem.path) || inside(problem.path, path);
  });
}

void Problems::throw_if_any() const {
  if (problems_.empty()) return;
  auto sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  std::string message;
  for (std::size_t i = 0; i < std::min(sorted.size(), most_shown_problems); ++i) {
    const auto& [line, path, what] = sorted[i];
    if (i > 0) message += "\n";
    message += file_ + ":" + std::to_string(line) + ": " + (path.empty() ? "" : path + ": ") + what;
  }
  if (sorted.size() > most_shown_problems) {
    message += "\n" + file_ + ": and " + std::to_string(sorted.size() - most_shown_problems) +
               " more problems.";
  }
  throw Error(ErrorKind::config, message);
}

std::string shown(const std::string& text) {
  std::size_t size = std::min(text.size(), most_shown_bytes);
  // Cut between characters: continuation bytes of UTF-8 start with the bits 10.
  while (size < text.size() && size > 0 &&
         (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) {
    --size;
  }
  std::string line = text.substr(0, size);
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return "'" + line + (size < text.size() ? "…" : "") + "'";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string unknown_choice(const std::string& word, const std::vector<std::string>& names,
                           const std::string& why) {
  const std::string hint = closest(word, names);
  return shown(word) + " is not one of " + joined(names) + (why.empty() ? "" : " (" + why + ")") +
         ". " + (hint.empty() ? "Write one of them." : "Did you mean '" + hint + "'?");
}

}  // namespace gainsweep::config
