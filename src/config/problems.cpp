#include "config/problems.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::config {
namespace {

constexpr std::size_t most_shown_problems = 50;
constexpr std::size_t longest_plain_key = 64;
constexpr std::size_t most_shown_bytes = 60;

bool inside(const std::string& path, const std::string& outer) {
  if (outer.empty() || path == outer) return true;
  return path.starts_with(outer) && (path[outer.size()] == '.' || path[outer.size()] == '[');
}

}  // namespace

void Problems::add(int line, const std::string& path, const std::string& what) {
  places_.try_emplace({line, path, what}, places_.size());
}

std::vector<std::string> Problems::texts() const {
  std::vector<std::string> texts(places_.size());
  for (const auto& [problem, place] : places_) texts[place] = problem.what;
  return texts;
}

/// Where a line is, as messages begin.
std::string Problems::place(int line) const {
  if (line > 0) return file_ + ":" + std::to_string(line);
  return "--set " + one_line(settings_.at(static_cast<std::size_t>(-1 - line)));
}

bool Problems::are_many() const {
  return places_.size() > most_shown_problems;
}

bool Problems::touch(const std::string& path) const {
  return std::any_of(places_.begin(), places_.end(), [&](const auto& noted) {
    const std::string& other = noted.first.path;
    return inside(path, other) || inside(other, path);
  });
}

void Problems::throw_if_any() const {
  if (places_.empty()) return;
  std::vector<std::pair<Problem, std::size_t>> sorted(places_.begin(), places_.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.line, a.second) < std::tie(b.first.line, b.second);
  });
  std::string message;
  for (std::size_t i = 0; i < std::min(sorted.size(), most_shown_problems); ++i) {
    const auto& [line, path, what] = sorted[i].first;
    if (i > 0) message += "\n";
    message += place(line) + ": " + (path.empty() ? "" : path + ": ") + what;
  }
  if (sorted.size() > most_shown_problems) {
    message += "\n" + file_ + ": and " + std::to_string(sorted.size() - most_shown_problems) +
               " more problems.";
  }
  throw Error(ErrorKind::config, message);
}

std::string shown(const std::string& text) {
  return quote(text, most_shown_bytes);
}

std::string shown_key(const std::string& key) {
  const bool plain = !key.empty() && key.size() <= longest_plain_key &&
                     std::none_of(key.begin(), key.end(), is_control);
  return plain ? key : shown(key);
}

}  // namespace gainsweep::config
