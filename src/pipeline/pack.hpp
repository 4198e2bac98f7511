#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "archive/items.hpp"
#include "format/format.hpp"
#include "model/model.hpp"
#include "pipeline/bucket.hpp"
#include "pipeline/samples.hpp"

/// How requests of tasks are run. Where the scales of activations do not depend on what runs
/// together, requests of one item share the inputs that they begin with, and what runs is filled up
/// to a few lengths; else each request runs alone at its own length. Follows from formats, model
/// and items, never from a plan.
namespace gainsweep::pipeline {

/// Consecutive requests of an item that run as one sample.
struct Pack {
  std::size_t first = 0;    ///< request
  std::size_t size = 1;     ///< requests
  std::int64_t shared = 0;  ///< inputs that all of them begin with
  Bucket bucket{};          ///< of the sample
};

/// Inputs of a request, and its targets.
std::int64_t num_inputs(const archive::Items& items, std::size_t request);
std::int64_t num_targets(const archive::Items& items, std::size_t request);

/// Whether formats give the same numbers whatever runs together.
bool may_share(const std::vector<format::Format>& formats);

/// The packs of the first items.
std::vector<Pack> packs_of(const archive::Items& items, std::size_t num_items, bool may_share,
                           const model::Model& model);

/// Packs as samples that a relay runs: the targets of a pack are those of its requests, one after
/// the other, and some that only fill it up.
Samples samples_of(std::shared_ptr<const archive::Items> items, const std::vector<Pack>& packs);

}  // namespace gainsweep::pipeline
