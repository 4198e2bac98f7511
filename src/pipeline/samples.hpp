#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/sample.hpp"
#include "pipeline/key.hpp"

namespace gainsweep::pipeline {

/// Samples with what keys tell them by.
struct Samples {
  model::SampleSet set;
  std::vector<key::Sample> ids;  ///< of the same samples
};

/// Windows of a stream of token ids: sample i is of the tokens [i·length, (i + 1)·length).
struct Windows {
  std::int64_t length = 0;
  std::int64_t first = 0;  ///< sample
  std::int64_t count = 0;
  auto operator<=>(const Windows&) const = default;

  /// Tokens that a stream must have for them: each sample's last target is the next one's token.
  std::int64_t num_tokens() const { return (first + count) * length + 1; }
};

/// The windows as samples of a language model: `length` tokens and, shifted by one, as many
/// targets. They are cut when loaded; the stream is kept for that. It has num_tokens().
Samples cut(std::shared_ptr<const std::vector<std::int64_t>> tokens, const Windows& windows);

}  // namespace gainsweep::pipeline
