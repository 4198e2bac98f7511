#include "config/read.hpp"

#include <fstream>
#include <iterator>

#include "base/error.hpp"
#include "config/check.hpp"
#include "config/description.hpp"
#include "config/document.hpp"
#include "config/reader.hpp"

namespace gainsweep::config {

Spec read(const std::string& text, const std::string& file) {
  Problems problems(file);
  Draft draft = make_draft();
  if (const auto document = parse_document(text, problems)) {
    const Section root = describe(draft);
    Reader reader(root, problems);
    reader.read(root, *document, "", document->line);
    check(draft, reader.lines(), problems);
  }
  problems.throw_if_any();
  return assemble(draft);
}

Spec load(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::config, path.string() + ": " + why + ". Name the YAML file of a spec.");
  };
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  if (!std::filesystem::exists(status)) refuse("no such file (or no permission to look)");
  // A pipe or device might never end.
  if (!std::filesystem::is_regular_file(status)) refuse("no regular file (a folder or a device)");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) refuse("the file cannot be opened (no permission to read)");
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad()) refuse("the file cannot be read (the disk reports an error)");
  return read(text, path.string());
}

}  // namespace gainsweep::config
