#include "base/words.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/usual_word.hpp"

namespace gainsweep {

void throw_unspelt(int value) {
  throw Error(ErrorKind::internal, "an enumerator without a spelling (value " +
                                       std::to_string(value) + "). Report this.");
}

std::string unknown_word(const std::string& word, const std::vector<std::string>& names,
                         const std::string& why) {
  std::string hint = usual_word(word);
  if (std::find(names.begin(), names.end(), hint) == names.end()) hint = closest(word, names);
  return quote(word, 60) + " is not one of " + join(names) + (why.empty() ? "" : " (" + why + ")") +
         ". " + (hint.empty() ? "Write one of them." : "Did you mean '" + hint + "'?");
}

void throw_unknown_word(const std::string& word, const std::vector<std::string>& names) {
  throw Error(ErrorKind::config, unknown_word(word, names, ""));
}

}  // namespace gainsweep
