#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

/// What the fuzz targets share. A target is a source file with LLVMFuzzerTestOneInput: libFuzzer
/// calls it with mutated bytes, replay.cpp with the bytes of files.
namespace gainsweep::fuzz {

/// Ends the process as libFuzzer expects of a finding, after a line that says what is wrong.
[[noreturn]] void finding(const std::string& what);

/// Notes that an input was refused with this message: a finding unless it is text for a terminal.
void note_refusal(std::string_view message);

/// A number that stands for what follows the last colon of the message noted last,
/// digits aside.
std::size_t reason_of_refusal();

/// What `read` gives; nothing when it refuses with an Error of the kind. Errors of other kinds are
/// findings, and so are other exceptions, which nothing catches.
template <class Read>
auto accepted(ErrorKind kind, Read read) -> std::optional<decltype(read())> {
  try {
    return read();
  } catch (const Error& error) {
    if (error.kind() != kind) finding(std::string("an error of another kind: ") + error.what());
    note_refusal(error.what());
    return std::nullopt;
  }
}

/// Reads the bytes of an input; throws what is a finding.
using Read = void (*)(std::span<const std::byte>);

/// Calls `read`, which goes into the HDF5 library, in a child process. The library may crash or
/// hang on bytes that nothing vouches for (1.10.8 does), which is no finding; a crash in the
/// project's own code is one, repeated in this process for the sanitizer's report. Whether the
/// child came to its end. A target has one `read`.
bool read_apart(Read read, std::span<const std::byte> input);

/// A file in memory.
class MemoryFile {
 public:
  MemoryFile(const void* bytes, std::size_t size);
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile();
  /// To open it by.
  std::string path() const;

 private:
  int descriptor_;
};

/// One input of a target whose decoder goes into the HDF5 library: what `Format::decode` makes of
/// the bytes in a child process, and where the library crashes, what `Format::read` makes of a file
/// of them, which must not crash. `Format::check` looks at what was accepted.
template <class Format>
void try_foreign_file(const std::uint8_t* bytes, std::size_t size) {
  const Read decode = [](std::span<const std::byte> input) {
    const auto found = accepted(ErrorKind::input, [&] { return Format::decode(input); });
    if (found) Format::check(*found);
  };
  if (read_apart(decode, std::as_bytes(std::span(bytes, size)))) return;
  const MemoryFile file(bytes, size);
  const auto found = accepted(ErrorKind::input, [&] { return Format::read(file.path()); });
  if (found) Format::check(*found);
}

}  // namespace gainsweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
