#include "archive/decoder.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "disk/file.hpp"
#include "disk/process.hpp"

namespace gainsweep::archive {
namespace {

using disk::ChildProcess;

/// The command line of a decoder: this word, the parent's process id, and for each file its
/// vocabulary and its path.
constexpr const char* command = "decode-tokens";

/// Whether a child of this very program would decode instead of doing everything once more.
bool serves = false;

/// What the child sends before each array of a file, of which there are three, or instead of the
/// first before a message's letters.
struct Header {
  bool is_error = false;
  ErrorKind kind = ErrorKind::internal;
  std::uint64_t count = 0;
};

template <class Sequence>
bool send(Header header, const Sequence& values) {
  header.count = values.size();
  return disk::answer(std::as_bytes(std::span(&header, 1))) &&
         disk::answer(std::as_bytes(std::span(values)));
}

/// Far more processor time than any sound file of that size takes.
std::chrono::seconds time_limit(std::size_t bytes) {
  constexpr std::size_t bytes_per_second = std::size_t{1} << 20;
  return std::chrono::seconds(20 + bytes / bytes_per_second);
}

/// How much longer than its processor time decoding may last: others use the processor too.
constexpr int wall_clock_factor = 10;

TokenStream decode_file(const TokenFile& file) {
  const std::vector<std::byte> bytes = disk::read_bytes(file.path);
  const auto limit = time_limit(bytes.size());
  disk::limit_processor_time(limit);
  const disk::WallClockLimit until_decoded(wall_clock_factor * limit);
  try {
    return decode_tokens(bytes, file.vocabulary);
  } catch (const Error& error) {
    throw with_context(error, file.path.string());
  }
}

/// False when the parent is gone.
bool serve(const TokenFile& file) {
  const auto fail = [](ErrorKind kind, const std::string& message) {
    return send({true, kind}, message);
  };
  try {
    const TokenStream stream = decode_file(file);
    return send({}, stream.ids) && send({}, stream.offsets) && send({}, stream.mask);
  } catch (const Error& error) {
    return fail(error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::environment,
                file.path.string() + ": not enough memory to decode it. Free some.");
  } catch (const std::exception& error) {
    return fail(ErrorKind::internal, file.path.string() + ": " + error.what());
  }
}

template <class Number>
Number parsed(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Memory grows with what really arrives: a child that ran into its own memory may promise much.
template <class Sequence>
ChildProcess::Got receive(ChildProcess& child, std::uint64_t count, Sequence& values,
                          std::chrono::milliseconds patience) {
  constexpr std::uint64_t step = 1 << 20;
  while (values.size() < count) {
    const std::size_t start = values.size();
    values.resize(start + std::min<std::uint64_t>(step, count - start));
    const auto fresh = std::span(values).subspan(start);
    const auto got = child.read(std::as_writable_bytes(fresh), patience);
    if (got != ChildProcess::Got::all) return got;
  }
  return ChildProcess::Got::all;
}

/// An array, or the file's error. Anything but `all`: the child ended or hangs before that.
ChildProcess::Got receive_array(ChildProcess& child, std::chrono::milliseconds patience,
                                std::vector<std::int64_t>& values) {
  Header header;
  auto got = child.read(std::as_writable_bytes(std::span(&header, 1)), patience);
  if (got != ChildProcess::Got::all) return got;
  if (!header.is_error) return receive(child, header.count, values, patience);
  std::string message;
  got = receive(child, header.count, message, patience);
  if (got == ChildProcess::Got::all) throw Error(header.kind, message);
  return got;
}

ChildProcess::Got receive_answer(ChildProcess& child, std::chrono::milliseconds patience,
                                 TokenStream& stream) {
  for (auto* values : {&stream.ids, &stream.offsets, &stream.mask}) {
    const auto got = receive_array(child, patience, *values);
    if (got != ChildProcess::Got::all) return got;
  }
  return ChildProcess::Got::all;
}

/// Says of a file how the child that decoded it ended.
[[noreturn]] void refuse_end(const std::string& file, const ChildProcess::End& end) {
  if (end.signal == SIGXCPU) {
    throw Error(ErrorKind::input,
                file +
                    ": it is damaged (decoding it takes far more processor time than a "
                    "sound file of its size). Copy it again or write it anew");
  }
  if (end.signal == SIGALRM) {
    throw Error(ErrorKind::environment,
                file +
                    ": decoding it was not over after ten times the processor time that it may "
                    "take. Check the load of the machine, then run the same command again.");
  }
  if (end.signal == SIGKILL) {
    throw Error(
        ErrorKind::environment,
        file +
            ": the process that decoded it was killed (memory may have run out). Free memory "
            "and run the same command again.");
  }
  const std::string how =
      end.signal == 0 ? "exit code " + std::to_string(end.code) : ::strsignal(end.signal);
  throw Error(ErrorKind::input, file + ": it is damaged (the library that decodes it crashes: " +
                                    how + "). Copy it again or write it anew");
}

[[noreturn]] void refuse_silence(const std::string& file, std::chrono::milliseconds patience) {
  throw Error(
      ErrorKind::environment,
      file + ": the process that decodes it was silent for " +
          std::to_string(std::chrono::round<std::chrono::seconds>(patience).count()) +
          " s. Check the disk and the load of the machine, then run the same command again.");
}

std::vector<std::string> words_for(std::span<const TokenFile> files) {
  std::vector<std::string> words{command, std::to_string(::getpid())};
  for (const TokenFile& file : files) {
    words.push_back(std::to_string(file.vocabulary));
    words.push_back(file.path.string());
  }
  return words;
}

/// The contents of the first files, of at least one, by one child. An end of the child is held
/// against the file at hand only when that is its first: damage done by an earlier one may have
/// come to light late.
std::vector<TokenStream> decode_some(std::span<const TokenFile> files, const Decoder& decoder) {
  std::vector<TokenStream> decoded;
  ChildProcess child(decoder.program, words_for(files));
  while (decoded.size() < files.size()) {
    TokenStream stream;
    const auto got = receive_answer(child, decoder.patience, stream);
    if (got != ChildProcess::Got::all) {
      if (!decoded.empty()) break;
      if (got == ChildProcess::Got::nothing)
        refuse_silence(files.front().path.string(), decoder.patience);
      refuse_end(files.front().path.string(), child.wait());
    }
    decoded.push_back(std::move(stream));
  }
  return decoded;
}

}  // namespace

void serve_if_decoder(int argc, char** argv) {
  serves = true;
  if (argc < 3 || argv[1] != std::string_view(command)) return;
  disk::settle_as_child(parsed<pid_t>(argv[2]));
  for (int i = 3; i + 1 < argc; i += 2) {
    if (!serve({argv[i + 1], parsed<std::int64_t>(argv[i])})) break;
  }
  ::_exit(0);  // damage that a file has done must not come to light in destructors
}

std::vector<TokenStream> read_tokens(const std::vector<TokenFile>& files, const Decoder& decoder) {
  if (!serves && decoder.program == Decoder{}.program) {
    throw Error(ErrorKind::internal, "main of this program does not call serve_if_decoder");
  }
  std::vector<TokenStream> all;
  for (auto rest = std::span(files); !rest.empty(); rest = std::span(files).subspan(all.size())) {
    for (auto& stream : decode_some(rest, decoder)) all.push_back(std::move(stream));
  }
  return all;
}

std::vector<TokenStream> read_tokens(const std::vector<TokenFile>& files) {
  return read_tokens(files, Decoder{});
}

}  // namespace gainsweep::archive
