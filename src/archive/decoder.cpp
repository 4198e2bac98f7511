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

#include "archive/foreign_data.hpp"
#include "archive/items.hpp"
#include "archive/items_file.hpp"
#include "archive/samples.hpp"
#include "archive/samples_file.hpp"
#include "base/error.hpp"
#include "disk/file.hpp"
#include "disk/process.hpp"

namespace gainsweep::archive {
namespace {

using disk::ChildProcess;

/// Files of one kind. The command line of a decoder is the kind's command, the parent's process id,
/// and for each file its vocabulary and its path.
struct Kind {
  const char* command;
  std::size_t num_arrays;  ///< that a file holds, as all of the kind do
  std::size_t num_texts;
  std::size_t num_reals;
  Decoded (*decode)(std::span<const std::byte> bytes, std::int64_t vocabulary);
};

Decoded decode_stream(std::span<const std::byte> bytes, std::int64_t vocabulary) {
  auto stream = decode_tokens(bytes, vocabulary);
  return {{std::move(stream.ids), std::move(stream.offsets), std::move(stream.mask)}, {}};
}

constexpr Kind token_files{"decode-tokens", 3, 0, 0, decode_stream};
constexpr Kind items_files{"decode-items", num_item_arrays, num_item_texts, 0,
                           [](std::span<const std::byte> bytes, std::int64_t vocabulary) {
                             return to_decoded(decode_items(bytes, vocabulary));
                           }};
constexpr Kind sample_files{"decode-samples", num_sample_arrays, num_sample_texts, num_sample_reals,
                            [](std::span<const std::byte> bytes, std::int64_t) {
                              return to_decoded(decode_samples(bytes));
                            }};

/// Whether a child of this very program would decode instead of doing everything once more.
bool serves = false;

/// What the child sends before each sequence of a file, or instead of the first before a
/// message's letters.
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

Decoded decode_file(const Kind& kind, const TokenFile& file) {
  const std::vector<std::byte> bytes = disk::read_bytes(file.path);
  const auto limit = time_limit(bytes.size());
  disk::limit_processor_time(limit);
  const disk::WallClockLimit until_decoded(wall_clock_factor * limit);
  try {
    return kind.decode(bytes, file.vocabulary);
  } catch (const Error& error) {
    throw with_context(error, file.path.string());
  }
}

/// False when the parent is gone.
bool serve(const Kind& kind, const TokenFile& file) {
  const auto fail = [](ErrorKind error, const std::string& message) {
    return send({true, error}, message);
  };
  const auto sent = [](const auto& values) { return send({}, values); };
  try {
    const auto decoded = decode_file(kind, file);
    return std::all_of(decoded.arrays.begin(), decoded.arrays.end(), sent) &&
           std::all_of(decoded.texts.begin(), decoded.texts.end(), sent) &&
           std::all_of(decoded.reals.begin(), decoded.reals.end(), sent);
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

/// A sequence, or the file's error. Anything but `all`: the child ended or hangs before that.
template <class Sequence>
ChildProcess::Got receive_sequence(ChildProcess& child, std::chrono::milliseconds patience,
                                   Sequence& values) {
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
                                 Decoded& decoded) {
  auto got = ChildProcess::Got::all;
  const auto receive_all = [&](auto& sequences) {
    for (std::size_t i = 0; i < sequences.size() && got == ChildProcess::Got::all; ++i)
      got = receive_sequence(child, patience, sequences[i]);
  };
  receive_all(decoded.arrays);
  receive_all(decoded.texts);
  receive_all(decoded.reals);
  return got;
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

std::vector<std::string> words_for(const Kind& kind, std::span<const TokenFile> files) {
  std::vector<std::string> words{kind.command, std::to_string(::getpid())};
  for (const TokenFile& file : files) {
    words.push_back(std::to_string(file.vocabulary));
    words.push_back(file.path.string());
  }
  return words;
}

/// The contents of the first files, of at least one, by one child. An end of the child is held
/// against the file at hand only when that is its first: damage done by an earlier one may have
/// come to light late.
std::vector<Decoded> decode_some(const Kind& kind, std::span<const TokenFile> files,
                                 const Decoder& decoder) {
  std::vector<Decoded> decoded;
  ChildProcess child(decoder.program, words_for(kind, files));
  while (decoded.size() < files.size()) {
    Decoded file{std::vector<Numbers>(kind.num_arrays), std::vector<std::string>(kind.num_texts),
                 std::vector<std::vector<float>>(kind.num_reals)};
    const auto got = receive_answer(child, decoder.patience, file);
    if (got != ChildProcess::Got::all) {
      if (!decoded.empty()) break;
      if (got == ChildProcess::Got::nothing)
        refuse_silence(files.front().path.string(), decoder.patience);
      refuse_end(files.front().path.string(), child.wait());
    }
    decoded.push_back(std::move(file));
  }
  return decoded;
}

std::vector<Decoded> decode(const Kind& kind, const std::vector<TokenFile>& files,
                            const Decoder& decoder) {
  if (!serves && decoder.program == Decoder{}.program) {
    throw Error(ErrorKind::internal, "main of this program does not call serve_if_decoder");
  }
  std::vector<Decoded> all;
  for (auto rest = std::span(files); !rest.empty(); rest = std::span(files).subspan(all.size())) {
    for (auto& file : decode_some(kind, rest, decoder)) all.push_back(std::move(file));
  }
  return all;
}

}  // namespace

void serve_if_decoder(int argc, char** argv) {
  serves = true;
  for (const Kind& kind : {token_files, items_files, sample_files}) {
    if (argc < 3 || argv[1] != std::string_view(kind.command)) continue;
    disk::settle_as_child(parsed<pid_t>(argv[2]));
    for (int i = 3; i + 1 < argc; i += 2) {
      if (!serve(kind, {argv[i + 1], parsed<std::int64_t>(argv[i])})) break;
    }
    ::_exit(0);  // damage that a file has done must not come to light in destructors
  }
}

std::vector<TokenStream> read_tokens(const std::vector<TokenFile>& files, const Decoder& decoder) {
  std::vector<TokenStream> streams;
  for (auto& decoded : decode(token_files, files, decoder)) {
    auto& arrays = decoded.arrays;
    streams.push_back({std::move(arrays[0]), std::move(arrays[1]), std::move(arrays[2])});
  }
  return streams;
}

std::vector<TokenStream> read_tokens(const std::vector<TokenFile>& files) {
  return read_tokens(files, Decoder{});
}

std::vector<Items> read_items(const std::vector<TokenFile>& files) {
  std::vector<Items> all;
  for (auto& decoded : decode(items_files, files, Decoder{}))
    all.push_back(to_items(std::move(decoded)));
  return all;
}

std::vector<SampleRows> read_samples(const std::vector<std::filesystem::path>& files) {
  std::vector<TokenFile> named;
  for (const auto& file : files) named.push_back({file});
  std::vector<SampleRows> all;
  for (auto& decoded : decode(sample_files, named, Decoder{}))
    all.push_back(to_samples(std::move(decoded)));
  return all;
}

}  // namespace gainsweep::archive
