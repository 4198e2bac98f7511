#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gainsweep {

/// Whether a byte is an ASCII control character, which would garble a message or a terminal.
constexpr bool is_control(char letter) {
  return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F;
}

/// The shortest digits that read back as the same number: "0.1", "3", "1e-07", "inf", "nan".
std::string shortest(double number);

/// "a, b, c".
std::string join(std::span<const std::string> texts, std::string_view separator = ", ");

/// The same of what `text` says of each item.
template <class Items, class Text>
requires std::invocable<const Text&, decltype(*std::begin(std::declval<const Items&>()))>
    std::string join(const Items& items, const Text& text, std::string_view separator = ", ") {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(text(item));
  return join(texts, separator);
}

/// The pieces between separators; a separator at the end ends the last piece, so that what `join`
/// made and lines are split alike. None of an empty text.
std::vector<std::string> split(std::string_view text, char separator);

/// A text with spaces for its control characters.
std::string one_line(std::string_view text);

/// Somebody else's text for a message: in single quotes, one line, shortened when longer than
/// `most_bytes`.
std::string quote(std::string_view text, std::size_t most_bytes = 96);

/// In double quotes, with backslashes before those and before backslashes.
std::string escape(std::string_view text);

}  // namespace gainsweep
