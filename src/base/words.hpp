#pragma once

#include <array>
#include <string>
#include <vector>

/// Enums whose values users write and read. Beside such an enum, in its namespace, stands a table
/// that is found by the type of its argument:
///
///     constexpr auto words(Scope) {
///       return std::to_array<Word<Scope>>({{Scope::model, "model"}, …});
///     }
namespace gainsweep {

/// An enumerator and its spelling.
template <class Enum>
struct Word {
  Enum value;
  const char* text;
};

/// Error(internal): an enumerator that its table lacks.
[[noreturn]] void throw_unspelt(int value);

/// The complaint about a word that is none of `names` (`why` may be empty), with "did you mean".
std::string unknown_word(const std::string& word, const std::vector<std::string>& names,
                         const std::string& why);
/// The same as Error(config).
[[noreturn]] void throw_unknown_word(const std::string& word,
                                     const std::vector<std::string>& names);

/// All spelt enumerators in the order of their table.
template <class Enum>
std::vector<Enum> enumerators() {
  std::vector<Enum> values;
  for (const auto& word : words(Enum{})) values.push_back(word.value);
  return values;
}

template <class Enum>
const char* spelling(Enum value) {
  for (const auto& word : words(Enum{})) {
    if (word.value == value) return word.text;
  }
  throw_unspelt(static_cast<int>(value));
}

/// The spellings of some enumerators, in their order.
template <class Enum>
std::vector<std::string> spellings(const std::vector<Enum>& values) {
  std::vector<std::string> texts;
  for (const Enum value : values) texts.emplace_back(spelling(value));
  return texts;
}

/// The enumerator of a spelling. Error(config) with a hint for one that there is not.
template <class Enum>
Enum enumerator(const std::string& text) {
  for (const auto& word : words(Enum{})) {
    if (text == word.text) return word.value;
  }
  throw_unknown_word(text, spellings(enumerators<Enum>()));
}

}  // namespace gainsweep
