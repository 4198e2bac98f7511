#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gainsweep::config {

/// A spec as its user gives it.
struct Source {
  std::string text;                ///< YAML
  std::string name;                ///< of its file, for messages
  std::filesystem::path folder{};  ///< that paths with a leading `./` or `../` start from; empty:
                                   ///< the working directory
  /// `PATH=VALUE` each, as the option --set gives them: put into the document in this order. Their
  /// paths start from the working directory.
  std::vector<std::string> settings{};
};

/// Whether a path names what another process writes for this one: standard input (`-`,
/// `/dev/stdin`) or an open descriptor (`/dev/fd/63`, what a shell makes of `<(…)`). Only the
/// process that was started with it can read it, and once.
bool is_stream(const std::filesystem::path& path);

/// The spec of a file or stream, or another YAML file. Error(config) when it cannot be read.
Source load(const std::filesystem::path& path, std::vector<std::string> settings = {},
            const std::string& noun = "a spec");

/// The text, with the settings as comments at its end: what a user would have to write down to
/// know what was asked for.
std::string written(const Source& source);

}  // namespace gainsweep::config
