#include "pipeline/samples.hpp"

#include <algorithm>
#include <span>
#include <string>

#include "base/error.hpp"
#include "digest/digest.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::TokenStream;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::input, what);
}

std::string count_of(std::int64_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun;
}

std::size_t begin_of(const TokenStream& stream, const Windows& windows, std::size_t sample) {
  const auto place = static_cast<std::size_t>(windows.first) + sample;
  if (stream.offsets.empty()) return place * static_cast<std::size_t>(windows.length);
  return static_cast<std::size_t>(stream.offsets[place]);
}

// The tokens of a sample and, behind them, its last target.
std::span<const std::int64_t> window(const TokenStream& stream, const Windows& windows,
                                     std::size_t sample) {
  return std::span(stream.ids)
      .subspan(begin_of(stream, windows, sample), static_cast<std::size_t>(windows.length) + 1);
}

void check_number(const TokenStream& stream, const Windows& windows) {
  const auto length = std::to_string(windows.length);
  if (stream.offsets.empty()) {
    const auto found = static_cast<std::int64_t>(stream.ids.size());
    if (found >= windows.num_tokens()) return;
    refuse(count_of(found, "tokens") + ", but samples of " + length + " tokens need " +
           std::to_string(windows.num_tokens()) +
           ". Give a longer token file or fewer or shorter samples.");
  }
  const auto found = static_cast<std::int64_t>(stream.offsets.size()) - 1;
  if (found >= windows.first + windows.count) return;
  refuse(count_of(found, "samples") + " where " + std::to_string(windows.first + windows.count) +
         " are needed. Give a token file of more samples, or ask for fewer.");
}

void check_length(const TokenStream& stream, const Windows& windows) {
  if (stream.offsets.empty()) return;
  for (auto i = windows.first; i < windows.first + windows.count; ++i) {
    const auto place = static_cast<std::size_t>(i);
    const auto length = stream.offsets[place + 1] - stream.offsets[place] - 1;
    if (length == windows.length) continue;
    refuse("sample " + std::to_string(i) + " has " + count_of(length, "tokens") +
           " and calibration.length is " + std::to_string(windows.length) +
           " (this version runs samples of one length). Make the token file with samples of that "
           "length alone, or set calibration.length to theirs.");
  }
}

void check_mask(const TokenStream& stream, const Windows& windows) {
  if (stream.mask.empty()) return;
  for (std::size_t i = 0; i < static_cast<std::size_t>(windows.count); ++i) {
    const auto targets =
        std::span(stream.mask)
            .subspan(begin_of(stream, windows, i) + 1, static_cast<std::size_t>(windows.length));
    if (std::find(targets.begin(), targets.end(), 0) == targets.end()) continue;
    refuse("its mask leaves out targets of sample " +
           std::to_string(windows.first + static_cast<std::int64_t>(i)) +
           " (this version counts every target). Leave the dataset 'mask' out if all of them may "
           "count.");
  }
}

model::Tensor sequence(std::span<const std::int64_t> ids) {
  return {{1, static_cast<std::int64_t>(ids.size())},
          std::vector<std::int64_t>(ids.begin(), ids.end())};
}

}  // namespace

Samples cut(std::shared_ptr<const TokenStream> stream, const Windows& windows) {
  check_number(*stream, windows);
  check_length(*stream, windows);
  check_mask(*stream, windows);
  Samples samples;
  for (std::size_t i = 0; i < static_cast<std::size_t>(windows.count); ++i) {
    const auto ids = window(*stream, windows, i);
    samples.set.digests.push_back(digest::of_bytes(std::as_bytes(ids.first(ids.size() - 1))));
    samples.ids.push_back({samples.set.digests.back(), ids.back()});
  }
  samples.set.load = [stream = std::move(stream), windows](std::size_t sample) {
    const auto ids = window(*stream, windows, sample);
    return model::Sample{.inputs = {{"tokens", sequence(ids.first(ids.size() - 1))}},
                         .targets = sequence(ids.subspan(1))};
  };
  return samples;
}

}  // namespace gainsweep::pipeline
