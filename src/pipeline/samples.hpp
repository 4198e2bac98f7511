#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "archive/tokens.hpp"
#include "model/sample.hpp"
#include "pipeline/key.hpp"

namespace gainsweep::pipeline {

/// Samples with what keys tell them by.
struct Samples {
  model::SampleSet set;
  std::vector<key::Sample> ids;  ///< of the same samples
};

/// Samples of a stream of token ids: of one without samples of its own, sample i is of the tokens
/// [i·length, (i + 1)·length); else they are the stream's, all of that length.
struct Windows {
  std::int64_t length = 0;
  std::int64_t first = 0;  ///< sample
  std::int64_t count = 0;
  auto operator<=>(const Windows&) const = default;

  /// Tokens that a stream without samples of its own must have for them: each sample's last target
  /// is the next one's token.
  std::int64_t num_tokens() const { return (first + count) * length + 1; }
};

/// The windows as samples of a language model: `length` tokens and, shifted by one, as many
/// targets. They are cut when loaded; the stream is kept for that. Error(input) where it has too
/// few tokens or samples, or where one of these is of another length or has a target that does not
/// count: samples are all alike in this version.
Samples cut(std::shared_ptr<const archive::TokenStream> stream, const Windows& windows);

}  // namespace gainsweep::pipeline
