#include "pipeline/pack.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "digest/digest.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::Items;
using Numbers = std::vector<std::int64_t>;

/// Lengths and numbers of targets of packs are filled up to multiples: few programs serve all.
constexpr std::int64_t step = 32;
/// Tokens of a pack: masks take its square.
constexpr std::int64_t most_tokens = 4096;

std::int64_t filled(std::int64_t count) {
  return (count + step - 1) / step * step;
}

std::span<const std::int64_t> tokens_of(const Items& items, std::size_t request) {
  const auto& offset = items.requests.offset;
  const auto first = static_cast<std::size_t>(offset[request]);
  return std::span(items.tokens)
      .subspan(first, static_cast<std::size_t>(offset[request + 1]) - first);
}

/// Inputs that some requests begin with; the last of them may have their first targets.
std::int64_t shared_inputs(const Items& items, std::size_t first, std::size_t size) {
  const auto begin = tokens_of(items, first);
  auto shared = items.requests.start[first];
  for (auto request = first + 1; request < first + size; ++request) {
    const auto other = tokens_of(items, request);
    const auto differs = std::ranges::mismatch(begin, other).in1;
    shared = std::min({shared, items.requests.start[request],
                       static_cast<std::int64_t>(differs - begin.begin())});
  }
  return shared;
}

Pack packed(const Items& items, std::size_t first, std::size_t size) {
  Pack pack{first, size, shared_inputs(items, first, size)};
  auto tokens = pack.shared;
  std::int64_t targets = 0;
  for (auto request = first; request < first + size; ++request) {
    tokens += num_inputs(items, request) - pack.shared;
    targets += num_targets(items, request);
  }
  pack.bucket = {.length = filled(tokens), .scored = filled(targets), .packed = true};
  return pack;
}

/// All requests of an item as one pack; none where one does not fit, where they share nothing, or
/// where they are too long together.
template <class Fits>
std::optional<Pack> together(const Items& items, std::size_t first, std::size_t size,
                             const Fits& fits) {
  for (auto request = first; request < first + size; ++request)
    if (!fits(request)) return std::nullopt;
  const auto pack = packed(items, first, size);
  if (pack.shared == 0 || pack.bucket.length > most_tokens) return std::nullopt;
  return pack;
}

Pack alone(const Items& items, std::size_t request) {
  return {.first = request,
          .bucket = {.length = num_inputs(items, request), .scored = num_targets(items, request)}};
}

model::Tensor sequence(Numbers ids, graph::Shape shape) {
  return {std::move(shape), std::move(ids)};
}

/// What a pack's tokens are and where they stand.
struct Layers {
  Numbers tokens, positions, parts, rows, targets;

  void add(std::span<const std::int64_t> ids, std::int64_t position, std::int64_t part) {
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    for (std::size_t i = 0; i < ids.size(); ++i) {
      positions.push_back(position + static_cast<std::int64_t>(i));
      parts.push_back(part);
    }
  }
};

Layers layers_of(const Items& items, const Pack& pack) {
  Layers layers;
  const auto shared = static_cast<std::size_t>(pack.shared);
  layers.add(tokens_of(items, pack.first).first(shared), 0, 0);
  for (std::size_t i = 0; i < pack.size; ++i) {
    const auto own = tokens_of(items, pack.first + i);
    const auto start = items.requests.start[pack.first + i];
    const auto begin = static_cast<std::int64_t>(layers.tokens.size());
    layers.add(own.subspan(shared, own.size() - 1 - shared), pack.shared,
               static_cast<std::int64_t>(i) + 1);
    for (auto target = start; target < static_cast<std::int64_t>(own.size()); ++target) {
      const auto input = target - 1;
      layers.rows.push_back(input < pack.shared ? input : begin + input - pack.shared);
      layers.targets.push_back(own[static_cast<std::size_t>(target)]);
    }
  }
  // What fills up stands in a part of its own, where nothing else sees it.
  const auto size = static_cast<std::size_t>(pack.bucket.length);
  layers.tokens.resize(size, 0);
  layers.positions.resize(size, 0);
  layers.parts.resize(size, static_cast<std::int64_t>(pack.size) + 1);
  layers.rows.resize(static_cast<std::size_t>(pack.bucket.scored), 0);
  layers.targets.resize(static_cast<std::size_t>(pack.bucket.scored), 0);
  return layers;
}

model::Sample sample_of(const Items& items, const Pack& pack) {
  const auto& [length, weighted, scored, is_packed] = pack.bucket;
  if (!is_packed) {
    const auto tokens = tokens_of(items, pack.first);
    const auto targets = tokens.last(static_cast<std::size_t>(scored));
    return {.inputs = {{"tokens", sequence({tokens.begin(), tokens.end() - 1}, {1, length})}},
            .targets = sequence({targets.begin(), targets.end()}, {1, scored})};
  }
  auto [tokens, positions, parts, rows, targets] = layers_of(items, pack);
  return {.inputs = {{"tokens", sequence(std::move(tokens), {1, length})},
                     {model::positions_input, sequence(std::move(positions), {length})},
                     {model::parts_input, sequence(std::move(parts), {length})},
                     {model::rows_input, sequence(std::move(rows), {scored})}},
          .targets = sequence(std::move(targets), {1, scored})};
}

// Of a pack's requests one after the other, with what they share.
std::string digest_of(const Items& items, const Pack& pack) {
  digest::Builder builder;
  builder.add("shared", pack.bucket.packed ? pack.shared : 0);
  for (auto request = pack.first; request < pack.first + pack.size; ++request)
    builder.add("tokens", digest::of_bytes(std::as_bytes(tokens_of(items, request))))
        .add("start", items.requests.start[request]);
  return builder.finish();
}

}  // namespace

std::int64_t num_inputs(const Items& items, std::size_t request) {
  return static_cast<std::int64_t>(tokens_of(items, request).size()) - 1;
}

std::int64_t num_targets(const Items& items, std::size_t request) {
  return num_inputs(items, request) + 1 - items.requests.start[request];
}

bool may_share(const std::vector<format::Format>& formats) {
  return std::none_of(formats.begin(), formats.end(), [](const auto& format) {
    return format.activation && (format.activation->scale == format::ScaleRule::dynamic_max ||
                                 format.activation->granularity == format::Granularity::block);
  });
}

std::vector<Pack> packs_of(const Items& items, std::size_t num_items, bool may_share,
                           const model::Model& model) {
  const auto fits = [&](std::size_t request) {
    return may_share && num_inputs(items, request) <= model.longest_packed;
  };
  std::vector<Pack> packs;
  std::size_t first = 0;
  for (std::size_t item = 0; item < num_items; ++item) {
    const auto size = static_cast<std::size_t>(items.items.requests[item]);
    if (const auto pack = together(items, first, size, fits)) {
      packs.push_back(*pack);
    } else {
      for (auto request = first; request < first + size; ++request)
        packs.push_back(fits(request) ? packed(items, request, 1) : alone(items, request));
    }
    first += size;
  }
  return packs;
}

Samples samples_of(std::shared_ptr<const Items> items, const std::vector<Pack>& packs) {
  Samples samples;
  for (const auto& pack : packs) {
    samples.set.digests.push_back(digest_of(*items, pack));
    samples.ids.push_back({samples.set.digests.back(), 0, "", pack.bucket.scored});
    samples.buckets.push_back(pack.bucket);
    std::int64_t targets = 0;
    for (auto request = pack.first; request < pack.first + pack.size; ++request)
      targets += num_targets(*items, request);
    samples.targets.push_back(targets);
  }
  samples.set.load = [items = std::move(items), packs](std::size_t pack) {
    return sample_of(*items, packs[pack]);
  };
  return samples;
}

}  // namespace gainsweep::pipeline
