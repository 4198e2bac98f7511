#include "config/scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "base/utf8.hpp"

namespace gainsweep::config {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

template <std::size_t N>
bool is_one_of(const std::string& text, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  return text;
}

std::size_t count_digits(std::string_view text) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                  text.begin());
}

/// Whether the text is digits with an optional fraction and exponent, after an optional sign.
bool is_decimal(std::string_view text) {
  text = without_sign(text);
  const std::size_t whole = count_digits(text);
  text.remove_prefix(whole);
  std::size_t fraction = 0;
  if (!text.empty() && text[0] == '.') {
    text.remove_prefix(1);
    fraction = count_digits(text);
    text.remove_prefix(fraction);
  }
  if (whole + fraction == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text = without_sign(text.substr(1));
  return !text.empty() && count_digits(text) == text.size();
}

bool has_leading_zero(std::string_view text) {
  text = without_sign(text);
  return text.size() > 1 && text[0] == '0' && is_digit(text[1]);
}

bool is_non_finite(const std::string& text) {
  static constexpr std::array<std::string_view, 4> words{".inf", ".nan", "inf", "nan"};
  return is_one_of(std::string(without_sign(lower(text))), words);
}

template <class T>
std::from_chars_result convert(std::string_view text, T& value) {
  if (text.starts_with('+')) text.remove_prefix(1);  // from_chars takes no plus
  return std::from_chars(text.data(), text.data() + text.size(), value);
}

/// Whether a path says that it starts from a folder of its own.
bool is_dotted(std::string_view path) {
  return path == "." || path == ".." || path.starts_with("./") || path.starts_with("../");
}

std::string without_dot(std::string path) {
  if (path == ".") return "";
  while (path.starts_with("./"))
    path.erase(0, std::max<std::size_t>(path.find_first_not_of('/', 1), 2));
  return path;
}

/// What is wrong with a text that is no number: a percentage is one to people.
std::string why_no_number(std::string text) {
  if (!text.ends_with('%')) return "is not a number";
  text.pop_back();
  while (text.ends_with(' ')) text.pop_back();
  double share = 0;  // from the digits, for 0.7 / 100 is not the double nearest to 0.007
  if (text.find_first_of("eE") != std::string::npos || !is_decimal(text) ||
      convert(text + "e-2", share).ec != std::errc{})
    return "is not a number";
  return "is a percentage, which stands for " + yaml_number(share);
}

constexpr const char* leading_zero = "has a leading zero, which some readers take for octal";

}  // namespace

Look look_of(const std::string& plain) {
  static constexpr std::array<std::string_view, 3> nulls{"", "~", "null"};
  static constexpr std::array<std::string_view, 8> booleans{"true", "false", "yes", "no",
                                                            "on",   "off",   "y",   "n"};
  const std::string text = lower(plain);
  if (is_one_of(text, nulls)) return Look::null;
  if (is_one_of(text, booleans)) return Look::boolean;
  std::string_view rest = without_sign(text);
  if (rest.starts_with('.')) rest.remove_prefix(1);
  // Dates, sexagesimals, 0x1F and 1_000 are numbers to some reader: whatever starts like one, is
  // one.
  const bool numeric = !rest.empty() && is_digit(rest[0]) &&
                       rest.find_first_not_of("0123456789abcdefox_+-.:") == std::string::npos;
  return numeric || is_non_finite(text) ? Look::number : Look::text;
}

Parsed<std::int64_t> parse_integer(const std::string& text) {
  if (is_non_finite(text)) return {{}, "is not finite"};
  const std::string_view digits = without_sign(text);
  if (digits.empty() || count_digits(digits) != digits.size()) return {{}, "is not an integer"};
  if (has_leading_zero(text)) return {{}, leading_zero};
  std::int64_t value = 0;
  if (convert(text, value).ec != std::errc{}) return {{}, "does not fit 64 bits"};
  return {value, {}};
}

Parsed<double> parse_real(const std::string& text) {
  if (is_non_finite(text)) return {{}, "is not finite"};
  if (!is_decimal(text)) return {{}, why_no_number(text)};
  if (has_leading_zero(text)) return {{}, leading_zero};
  double value = 0;
  if (convert(text, value).ec != std::errc{}) return {{}, "is beyond the range of a double"};
  return {value, {}};
}

Parsed<std::filesystem::path> full_path(const std::string& text,
                                        const std::filesystem::path& folder) {
  std::filesystem::path path = text;
  if (text.starts_with('~')) {
    const char* home = std::getenv("HOME");
    if (text.size() > 1 && text[1] != '/')
      return {{}, "names the home of a user ('~/', the own one, is known here and no other)"};
    if (home == nullptr || *home == '\0')
      return {{}, "starts with '~' (the environment variable HOME is not set)"};
    path = home + text.substr(1);
  } else if (is_dotted(text)) {
    path = without_dot(folder.native());
    path /= without_dot(text);
  }
  if (is_dotted(path.native()) || path.native().starts_with('~')) {
    std::error_code code;
    path = std::filesystem::current_path(code) / path;
    if (code) return {{}, "starts from the working directory, which is gone"};
  }
  if (!is_utf8(path.native()))
    return {{}, "leads through a folder whose name is no UTF-8 (archives keep paths as text)"};
  return {path, {}};
}

std::string yaml_number(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string text(buffer.data(), end);
  const std::size_t exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos) {
    text.insert(exponent, ".0");
  }
  return text;
}

std::string yaml_text(const std::string& text) {
  const bool plain =
      !text.empty() && look_of(text) == Look::text &&
      (is_letter(text[0]) || is_digit(text[0]) || text[0] == '/') &&
      std::all_of(text.begin(), text.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '/' || c == '.' || c == '_' || c == '-';
      });
  if (plain) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace gainsweep::config
