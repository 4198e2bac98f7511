#include "base/words.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep {

void throw_unspelt(int value) {
  throw Error(ErrorKind::internal, "an enumerator without a spelling (value " +
                                       std::to_string(value) + "). Report this.");
}

std::string unknown_word(const std::string& word, const std::vector<std::string>& names,
                         const std::string& why) {
  const std::string hint = closest(word, names);
  return quote(word, 60) + " is not one of " + join(names) + (why.empty() ? "" : " (" + why + ")") +
         ". " + (hint.empty() ? "Write one of them." : "Did you mean '" + hint + "'?");
}

void throw_unknown_word(const std::string& word, const std::vector<std::string>& names) {
  throw Error(ErrorKind::config, unknown_word(word, names, ""));
}

}  // namespace gainsweep
