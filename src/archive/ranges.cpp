#include "archive/ranges.hpp"

#include <charconv>
#include <optional>

#include "base/error.hpp"

namespace gainsweep::archive {

std::string ranges_text(const std::vector<std::size_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    auto last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

std::vector<std::size_t> parse_ranges(const std::string& text, std::size_t limit) {
  const auto refuse = [&]() -> std::vector<std::size_t> {
    throw Error(ErrorKind::input,
                "'" + text + "' is no list of points such as 0-3,7 below " + std::to_string(limit));
  };
  std::vector<std::size_t> numbers;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&]() -> std::optional<std::size_t> {
    std::size_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || value >= limit) return std::nullopt;
    at = next;
    return value;
  };
  while (true) {
    const auto first = number();
    if (!first || (!numbers.empty() && *first <= numbers.back())) return refuse();
    auto last = first;
    if (at != end && *at == '-') {
      ++at;
      last = number();
      if (!last || *last <= *first) return refuse();
    }
    for (auto value = *first; value <= *last; ++value) numbers.push_back(value);
    if (at == end) return numbers;
    if (*at++ != ',') return refuse();
  }
}

}  // namespace gainsweep::archive
