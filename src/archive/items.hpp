#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "archive/tokens.hpp"

namespace gainsweep::archive {

/// What requests of a task are: choices of an item, of which one is right; one continuation an
/// item; or the windows of documents, all of whose tokens are predicted once.
namespace task_kind {
inline constexpr const char* choice = "choice";
inline constexpr const char* loglikelihood = "loglikelihood";
inline constexpr const char* rolling = "rolling";
}  // namespace task_kind

/// The questions of a task as an items file has them (docs/items_files.md).
struct Items {
  std::string task, variant, kind, bos, raw_sha256, tokenizer_sha256;
  std::int64_t length = 0;        ///< most inputs of a request
  std::int64_t prefix_token = 0;  ///< what stands before the first token of an empty context
  std::int64_t shots = 0;         ///< examples in front of each question
  std::int64_t dropped = 0;       ///< items that the file's maker left out

  std::vector<std::int64_t> tokens;  ///< of all requests, one after the other
  struct Requests {
    std::vector<std::int64_t> offset;  ///< first token of each, then the end of the last one
    std::vector<std::int64_t> item, choice;
    std::vector<std::int64_t> start;  ///< of a request's tokens: the first that is predicted
    std::vector<std::int64_t> bytes, characters;
  } requests;
  struct PerItem {
    std::vector<std::int64_t> label;         ///< the right choice, -1 for none
    std::vector<std::int64_t> requests;      ///< how many, which are consecutive
    std::vector<std::int64_t> bytes, words;  ///< of the raw document of windows, else 0
  } items;

  std::size_t num_requests() const { return requests.item.size(); }
  std::size_t num_items() const { return items.label.size(); }
};

/// The contents of each file, decoded as read_tokens does it. Error(input) naming the first file
/// that cannot be read, with the dataset, the place and the number that is wrong.
std::vector<Items> read_items(const std::vector<TokenFile>& files);

/// The same of one file's bytes, in this process: a crash of the HDF5 library is one of the caller.
Items decode_items(std::span<const std::byte> bytes, std::int64_t vocabulary);

/// Digest of everything that the items say.
std::string digest_of(const Items& items);

}  // namespace gainsweep::archive
