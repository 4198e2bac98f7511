#include "archive/items_file.hpp"

#include <array>
#include <utility>

#include "digest/digest.hpp"

namespace gainsweep::archive {
namespace {

/// Pointers to all arrays of items but the first one of `Decoded`, which has the single numbers.
template <class OfItems>
auto arrays_of(OfItems& items) {
  auto& [offset, item, choice, start, bytes, characters] = items.requests;
  auto& [label, requests, raw_bytes, words] = items.items;
  return std::array{&items.tokens, &offset, &item,     &choice,    &start, &bytes,
                    &characters,   &label,  &requests, &raw_bytes, &words};
}

template <class OfItems>
auto numbers_of(OfItems& items) {
  return std::array{&items.length, &items.prefix_token, &items.shots, &items.dropped};
}

template <class OfItems>
auto texts_of(OfItems& items) {
  return std::array{&items.task, &items.variant,    &items.kind,
                    &items.bos,  &items.raw_sha256, &items.tokenizer_sha256};
}

}  // namespace

Decoded to_decoded(const Items& items) {
  Decoded decoded{{{}}, {}};
  for (const auto* number : numbers_of(items)) decoded.arrays.front().push_back(*number);
  for (const auto* array : arrays_of(items)) decoded.arrays.push_back(*array);
  for (const auto* text : texts_of(items)) decoded.texts.push_back(*text);
  return decoded;
}

Items to_items(Decoded decoded) {
  Items items;
  std::size_t next = 0;
  for (auto* number : numbers_of(items)) *number = decoded.arrays.front().at(next++);
  next = 1;
  for (auto* array : arrays_of(items)) *array = std::move(decoded.arrays.at(next++));
  next = 0;
  for (auto* text : texts_of(items)) *text = std::move(decoded.texts.at(next++));
  return items;
}

std::string digest_of(const Items& items) {
  digest::Builder builder;
  const auto [arrays, texts, reals] = to_decoded(items);
  for (const auto& text : texts) builder.add("text", text);
  for (const auto& array : arrays)
    builder.add("array", digest::of_bytes(std::as_bytes(std::span(array))));
  return builder.finish();
}

}  // namespace gainsweep::archive
