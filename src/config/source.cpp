#include "config/source.hpp"

#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "config/document.hpp"

namespace gainsweep::config {
namespace {

constexpr const char* standard_input = "standard input";

bool is_standard_input(const std::filesystem::path& path) {
  return path == "-" || path == "/dev/stdin";
}

/// All of it, or more than a spec may have: a pipe or device might never end.
std::string read_text(std::istream& stream) {
  std::string text(most_bytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace

bool is_stream(const std::filesystem::path& path) {
  const auto& text = path.native();
  return is_standard_input(path) || text.starts_with("/dev/fd/") ||
         text.starts_with("/proc/self/fd/");
}

Source load(const std::filesystem::path& path, std::vector<std::string> settings,
            const std::string& noun) {
  const bool streams = is_stream(path);
  const std::string name = is_standard_input(path) ? standard_input : path.string();
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::config, name + ": " + why + ". Name the YAML file of " + noun + ".");
  };
  const std::filesystem::path source = path == "-" ? "/dev/stdin" : path;
  std::error_code code;
  const auto status = std::filesystem::status(source, code);
  if (code == std::errc::permission_denied)
    refuse("permission denied (this user may not enter one of its folders)");
  if (!std::filesystem::exists(status))
    refuse(streams
               ? "no such file (it is not open in this process: mpirun hands on standard input, "
                 "'-', but nothing that a shell makes of '<(…)')"
               : "no such file");
  if (std::filesystem::is_directory(status)) refuse("no regular file (a folder)");
  if (!streams && !std::filesystem::is_regular_file(status))
    refuse("no regular file (a pipe or a device, which might never end)");
  std::ifstream stream(source, std::ios::binary);
  if (!stream) refuse("permission denied (this user may not read it)");
  auto text = read_text(stream);
  if (stream.bad()) refuse("the file cannot be read (the disk reports an error)");
  return {std::move(text), name, streams ? "" : path.parent_path(), std::move(settings)};
}

std::string written(const Source& source) {
  auto text = source.text;
  if (source.settings.empty()) return text;
  if (!text.ends_with('\n')) text += '\n';
  for (const auto& setting : source.settings) text += "# --set " + one_line(setting) + "\n";
  return text;
}

}  // namespace gainsweep::config
