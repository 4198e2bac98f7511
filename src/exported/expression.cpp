#include "exported/expression.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::exported {
namespace {

/// What a function makes of two numbers, if it fits 64 bits.
struct Function {
  const char* name;
  bool (*apply)(std::int64_t a, std::int64_t b, std::int64_t& result);
};

bool divide(std::int64_t a, std::int64_t b, std::int64_t& result) {
  if (b <= 0 || a < 0) return false;  // sizes are neither
  result = a / b;
  return true;
}

bool remainder(std::int64_t a, std::int64_t b, std::int64_t& result) {
  if (b <= 0 || a < 0) return false;
  result = a % b;
  return true;
}

bool power(std::int64_t a, std::int64_t b, std::int64_t& result) {
  constexpr std::int64_t most = 62;
  if (b < 0 || b > most) return false;
  result = 1;
  for (std::int64_t i = 0; i < b; ++i)
    if (__builtin_mul_overflow(result, a, &result)) return false;
  return true;
}

constexpr Function functions[] = {
    {"Add", [](auto a, auto b, auto& result) { return !__builtin_add_overflow(a, b, &result); }},
    {"Mul", [](auto a, auto b, auto& result) { return !__builtin_mul_overflow(a, b, &result); }},
    {"Pow", power},
    {"FloorDiv", divide},
    {"CleanDiv", divide},
    {"IntTrueDiv", divide},
    {"Mod", remainder},
    {"PythonMod", remainder},
    {"Max", [](auto a, auto b, auto& result) { return result = std::max(a, b), true; }},
    {"Min", [](auto a, auto b, auto& result) { return result = std::min(a, b), true; }},
};

/// Reads an expression from its beginning.
class Reader {
 public:
  Reader(const std::string& text, const Symbols& symbols) : text_(text), symbols_(symbols) {}

  std::int64_t whole() {
    const auto value = term(0);
    if (place_ != text_.size()) refuse("has more behind its end");
    return value;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorKind::input, "the size " + quote(text_) + " " + why +
                                      ". Export the model with sizes that follow from the batch, "
                                      "or with fixed ones");
  }

  bool take(char wanted) {
    while (place_ < text_.size() && text_[place_] == ' ') ++place_;
    if (place_ == text_.size() || text_[place_] != wanted) return false;
    ++place_;
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) refuse(std::string("lacks a '") + wanted + "'");
  }

  std::string word() {
    while (place_ < text_.size() && text_[place_] == ' ') ++place_;
    const auto begin = place_;
    const auto is_part = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
    while (place_ < text_.size() && is_part(static_cast<unsigned char>(text_[place_]))) ++place_;
    return text_.substr(begin, place_ - begin);
  }

  std::int64_t term(int depth) {
    constexpr int deepest = 32;
    if (depth > deepest) refuse("is nested too deeply");
    const auto name = word();
    expect('(');
    if (name == "Integer") return integer();
    if (name == "Symbol") return symbol();
    const auto* function = std::find_if(std::begin(functions), std::end(functions),
                                        [&](const Function& known) { return known.name == name; });
    if (function == std::end(functions)) refuse("has an unknown function " + quote(name));
    auto value = term(depth + 1);
    while (take(',')) {
      if (!function->apply(value, term(depth + 1), value))
        refuse("has no value among whole numbers of 64 bits");
    }
    expect(')');
    return value;
  }

  std::int64_t integer() {
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + place_, text_.data() + text_.size(), value);
    if (error != std::errc()) refuse("has an Integer that is none");
    place_ = static_cast<std::size_t>(end - text_.data());
    expect(')');
    return value;
  }

  std::int64_t symbol() {
    expect('\'');
    const auto name = word();
    expect('\'');
    const auto end = text_.find(')', place_);
    if (end == std::string::npos) refuse("lacks a ')'");
    place_ = end + 1;
    const auto known = symbols_.find(name);
    if (known == symbols_.end())
      refuse("depends on " + quote(name) + ", which no input of the model has as a size");
    return known->second;
  }

  const std::string& text_;
  const Symbols& symbols_;
  std::size_t place_ = 0;
};

}  // namespace

std::int64_t evaluate(const std::string& expression, const Symbols& symbols) {
  return Reader(expression, symbols).whole();
}

std::string symbol_of(const std::string& expression) {
  constexpr std::string_view begin = "Symbol('";
  if (!expression.starts_with(begin)) return "";
  const auto end = expression.find('\'', begin.size());
  if (end == std::string::npos || expression.find(')') + 1 != expression.size()) return "";
  return expression.substr(begin.size(), end - begin.size());
}

}  // namespace gainsweep::exported
