#include "pipeline/samples.hpp"

#include <algorithm>
#include <span>

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

/// Where a sample lies in a stream: its tokens and, behind them, its last target.
struct Place {
  std::size_t begin = 0;
  std::size_t size = 0;

  template <class T>
  std::span<const T> of(const std::vector<T>& all) const {
    return std::span(all).subspan(begin, size);
  }
};

Place place_of(const TokenStream& stream, const Windows& windows, std::size_t sample) {
  const auto number = static_cast<std::size_t>(windows.first) + sample;
  const auto length = static_cast<std::size_t>(windows.length);
  if (stream.offsets.empty()) return {number * length, length + 1};
  const auto begin = static_cast<std::size_t>(stream.offsets[number]);
  return {begin, static_cast<std::size_t>(stream.offsets[number + 1]) - begin};
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

void check_length(const Windows& windows, std::size_t sample, const Place& place) {
  const auto length = static_cast<std::int64_t>(place.size) - 1;
  if (length <= windows.length) return;
  refuse("sample " + std::to_string(windows.first + static_cast<std::int64_t>(sample)) + " has " +
         count_of(length, "tokens") + " and calibration.length is " +
         std::to_string(windows.length) +
         " (the most that a sample may have). Raise calibration.length, or make the token file "
         "with shorter samples.");
}

/// The marks of a sample's targets; none where all of them count.
std::span<const std::int64_t> marks(const TokenStream& stream, const Place& place) {
  if (stream.mask.empty()) return {};
  const auto targets = place.of(stream.mask).subspan(1);
  if (std::find(targets.begin(), targets.end(), 0) == targets.end()) return {};
  return targets;
}

std::int64_t num_counted(std::span<const std::int64_t> marks, const Windows& windows,
                         std::size_t sample) {
  const auto counted = std::count(marks.begin(), marks.end(), 1);
  if (counted > 0) return counted;
  refuse("sample " + std::to_string(windows.first + static_cast<std::int64_t>(sample)) +
         " has no target that counts ('mask' is 0 for all its tokens behind the first). Mark some, "
         "or make the token file with samples of its own without this one.");
}

model::Tensor sequence(std::span<const std::int64_t> ids) {
  return {{1, static_cast<std::int64_t>(ids.size())},
          std::vector<std::int64_t>(ids.begin(), ids.end())};
}

void add(Samples& samples, const TokenStream& stream, const Windows& windows, std::size_t sample) {
  const auto place = place_of(stream, windows, sample);
  check_length(windows, sample, place);
  const auto ids = place.of(stream.ids);
  const auto own = marks(stream, place);
  const auto length = static_cast<std::int64_t>(ids.size()) - 1;
  samples.set.digests.push_back(digest::of_bytes(std::as_bytes(ids.first(ids.size() - 1))));
  samples.ids.push_back({samples.set.digests.back(), ids.back(),
                         own.empty() ? "" : digest::of_bytes(std::as_bytes(own))});
  samples.buckets.push_back({length, !own.empty()});
  samples.targets.push_back(own.empty() ? length : num_counted(own, windows, sample));
}

}  // namespace

Samples cut(std::shared_ptr<const TokenStream> stream, const Windows& windows) {
  check_number(*stream, windows);
  Samples samples;
  for (std::size_t i = 0; i < static_cast<std::size_t>(windows.count); ++i)
    add(samples, *stream, windows, i);
  samples.set.load = [stream = std::move(stream), windows](std::size_t sample) {
    const auto place = place_of(*stream, windows, sample);
    const auto ids = place.of(stream->ids);
    const auto own = marks(*stream, place);
    return model::Sample{.inputs = {{"tokens", sequence(ids.first(ids.size() - 1))}},
                         .targets = sequence(ids.subspan(1)),
                         .weights = std::vector<float>(own.begin(), own.end())};
  };
  return samples;
}

std::string to_text(const Samples& samples, const std::string& use) {
  const auto count = static_cast<std::int64_t>(samples.buckets.size());
  const auto text = count_of(count, use + (count == 1 ? " sample" : " samples"));
  if (count == 0) return text;
  const auto [least, most] = std::minmax_element(samples.buckets.begin(), samples.buckets.end());
  if (samples.are_rows) {
    if (most->length == 1) return text;
    const bool alike = least->length == most->length;
    return text + " of " + (alike ? "" : std::to_string(least->length) + " to ") +
           count_of(most->length, "rows");
  }
  std::int64_t tokens = 0, targets = 0;
  for (const auto& bucket : samples.buckets) tokens += bucket.length;
  for (const auto number : samples.targets) targets += number;
  const auto longest = count_of(most->length, "tokens");
  if (least->length == most->length && targets == tokens) return text + " of " + longest;
  const bool alike = least->length == most->length;
  return text + " of " + (alike ? longest : std::to_string(least->length) + " to " + longest) +
         " (" + std::to_string(tokens) + " in all; " + std::to_string(targets) +
         (targets == 1 ? " target counts)" : " targets count)");
}

}  // namespace gainsweep::pipeline
