#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "archive/tokens.hpp"
#include "model/sample.hpp"
#include "pipeline/bucket.hpp"
#include "pipeline/key.hpp"

namespace gainsweep::pipeline {

/// Samples with what keys tell them by; all members are of the same samples.
struct Samples {
  model::SampleSet set;
  std::vector<key::Sample> ids;
  std::vector<Bucket> buckets;
  std::vector<std::int64_t> targets;  ///< that count
  bool are_rows = false;              ///< lengths are rows of a sample file, not tokens
};

/// Samples of a stream of token ids: of one without samples of its own, sample i is of the tokens
/// [i·length, (i + 1)·length); else they are the stream's, none longer than that.
struct Windows {
  std::int64_t length = 0;
  std::int64_t first = 0;  ///< sample
  std::int64_t count = 0;
  auto operator<=>(const Windows&) const = default;

  /// Tokens that a stream without samples of its own must have for them: each sample's last target
  /// is the next one's token.
  std::int64_t num_tokens() const { return (first + count) * length + 1; }
};

/// The windows as samples of a language model: tokens and, shifted by one, as many targets, with
/// weights 0 and 1 where the stream's mask leaves some out. They are cut when loaded; the stream is
/// kept for that. Error(input) where it has too few tokens or samples, or where one of these is too
/// long or has no target that counts.
Samples cut(std::shared_ptr<const archive::TokenStream> stream, const Windows& windows);

/// "64 calibration samples of 12 to 256 tokens (9120 in all; 8431 targets count)"; of rows, one of
/// which is not worth a word, "64 calibration samples of 3 to 17 rows".
std::string to_text(const Samples& samples, const std::string& use);

}  // namespace gainsweep::pipeline
