#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

/// Scalars of YAML: what a plain one looks like, numbers from text and back.
namespace gainsweep::config {

/// What some YAML reader takes a plain scalar for (1.2 or the older 1.1, which has `yes` and
/// `1_0`).
enum class Look { text, null, boolean, number };
Look look_of(const std::string& plain);

/// A number, or why the text is none: `complaint` completes "'007' …".
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string complaint;
};

/// The decimal integer in a plain scalar. No leading zeros, other bases, underscores or fractions.
Parsed<std::int64_t> parse_integer(const std::string& text);

/// The finite decimal number in a plain scalar, exactly rounded.
Parsed<double> parse_real(const std::string& text);

/// The path that a spec's text means: `~/` at its start is the user's home, `./` and `../` start
/// from `folder` (empty: the working directory), every other path is as it stands. No path that
/// comes back starts with any of these, so that it means the same wherever it is written.
Parsed<std::filesystem::path> full_path(const std::string& text,
                                        const std::filesystem::path& folder);

/// The shortest text that reads back as the same double, in a form every YAML reader takes for a
/// number (a dot before an exponent).
std::string yaml_number(double value);

/// The text as a scalar: plain where every YAML reader sees text, in double quotes elsewhere.
std::string yaml_text(const std::string& text);

}  // namespace gainsweep::config
