#include "pipeline/samples.hpp"

#include <span>

#include "digest/digest.hpp"

namespace gainsweep::pipeline {
namespace {

// The tokens of a sample and, behind them, its last target.
std::span<const std::int64_t> window(const std::vector<std::int64_t>& tokens,
                                     const Windows& windows, std::size_t sample) {
  const auto length = static_cast<std::size_t>(windows.length);
  const auto begin = (static_cast<std::size_t>(windows.first) + sample) * length;
  return std::span(tokens).subspan(begin, length + 1);
}

model::Tensor sequence(std::span<const std::int64_t> ids) {
  return {{1, static_cast<std::int64_t>(ids.size())},
          std::vector<std::int64_t>(ids.begin(), ids.end())};
}

}  // namespace

Samples cut(std::shared_ptr<const std::vector<std::int64_t>> tokens, const Windows& windows) {
  Samples samples;
  for (std::size_t i = 0; i < static_cast<std::size_t>(windows.count); ++i) {
    const auto ids = window(*tokens, windows, i);
    samples.set.digests.push_back(digest::of_bytes(std::as_bytes(ids.first(ids.size() - 1))));
    samples.ids.push_back({samples.set.digests.back(), ids.back()});
  }
  samples.set.load = [tokens = std::move(tokens), windows](std::size_t sample) {
    const auto ids = window(*tokens, windows, sample);
    return model::Sample{.inputs = {{"tokens", sequence(ids.first(ids.size() - 1))}},
                         .targets = sequence(ids.subspan(1))};
  };
  return samples;
}

}  // namespace gainsweep::pipeline
