#include "exported/refusal.hpp"

#include "base/error.hpp"

namespace gainsweep::exported {

void refuse(const std::filesystem::path& file, const std::string& what, const std::string& advice) {
  throw Error(ErrorKind::input, file.string() + ": " + what + ". " + advice + ".");
}

}  // namespace gainsweep::exported
