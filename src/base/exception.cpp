#include "base/exception.hpp"

namespace gainsweep {

std::string message_of(const std::exception& exception) {
  const std::string text = exception.what();
  return text.substr(0, text.find("\nException raised from "));
}

}  // namespace gainsweep
