#include "archive/tokens.hpp"

#include <algorithm>
#include <string>

#include "archive/foreign_data.hpp"
#include "base/text.hpp"

namespace gainsweep::archive {
namespace {

constexpr const char* dataset_name = "tokens";

/// Refuses with what the file holds unless its root has the dataset.
Numbers read_ids(hid_t root, const std::vector<hdf5::Link>& links) {
  const auto* link = find(links, dataset_name);
  if (link != nullptr && link->is_group) {
    refuse("'tokens' is a group, not a dataset of token ids");
  }
  if (link == nullptr) {
    const std::string found = join(links, [](const hdf5::Link& known) { return known.name; });
    refuse("it has no dataset 'tokens' (it holds: " + (found.empty() ? "nothing" : found) + ")");
  }
  return read_numbers(root, dataset_name, dataset_name, "token ids",
                      "one long stream of token ids");
}

Numbers read_offsets(hid_t root, const std::vector<hdf5::Link>& links) {
  const auto* link = find(links, "samples");
  if (link == nullptr) return {};
  if (!link->is_group) refuse("'samples' is a dataset, not a group with the dataset 'offset'");
  const hdf5::Group group = hdf5::open_group(root, "samples");
  const auto inside = hdf5::links(group.id());
  const auto* offset = find(inside, "offset");
  if (offset == nullptr || offset->is_group) {
    refuse(
        "its group 'samples' has no dataset 'offset'. Store where samples begin there, or no "
        "such group");
  }
  auto offsets = read_numbers(group.id(), "offset", "samples/offset", "places of tokens",
                              "the first token of each sample, then the end");
  if (offsets.empty())
    refuse(
        "'samples/offset' is empty. Store the first token of each sample, "
        "then the end, or no group 'samples'");
  return offsets;
}

Numbers read_mask(hid_t root, const std::vector<hdf5::Link>& links) {
  const auto* link = find(links, "mask");
  if (link == nullptr) return {};
  if (link->is_group) refuse("'mask' is a group, not a dataset");
  return read_numbers(root, "mask", "mask", "marks", "a 0 or 1 for each token");
}

void check_ids(const Numbers& ids, std::int64_t vocabulary) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocabulary) continue;
    refuse("tokens[" + std::to_string(i) + "] is " + std::to_string(ids[i]) +
           ", outside the model's vocabulary [0, " + std::to_string(vocabulary) +
           "). Use tokens made with this model's tokenizer");
  }
}

void check_mask(const Numbers& mask, std::size_t num_ids) {
  if (mask.size() != num_ids) {
    refuse("'mask' has " + std::to_string(mask.size()) + " entries for " + std::to_string(num_ids) +
           " tokens. Store one for each");
  }
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0 || mask[i] == 1) continue;
    refuse("mask[" + std::to_string(i) + "] is " + std::to_string(mask[i]) +
           ". Store 0 for a target that does not count, and 1 for the others");
  }
}

/// A sample's first token is no target.
void check_counted(const TokenStream& stream) {
  if (stream.mask.empty()) return;
  for (std::size_t i = 0; i + 1 < stream.offsets.size(); ++i) {
    const auto first = stream.mask.begin() + stream.offsets[i] + 1;
    const auto end = stream.mask.begin() + stream.offsets[i + 1];
    if (std::find(first, end, 1) != end) continue;
    refuse("sample " + std::to_string(i) +
           " has no target that counts ('mask' is 0 for all its tokens behind the first). Leave "
           "such samples out");
  }
}

}  // namespace

TokenStream decode_tokens(std::span<const std::byte> bytes, std::int64_t vocabulary) {
  const hdf5::Session session;
  const hdf5::File file = open_foreign(bytes, "Store token ids as its dataset 'tokens'");
  const hdf5::Group root = hdf5::open_group(file.id(), "/");
  const auto links = hdf5::links(root.id());
  TokenStream stream{read_ids(root.id(), links), read_offsets(root.id(), links),
                     read_mask(root.id(), links)};
  check_ids(stream.ids, vocabulary);
  if (!stream.offsets.empty())
    check_offsets(stream.offsets, stream.ids.size(),
                  {"samples/offset", "tokens", "a sample has a token and a target at least"});
  if (find(links, "mask") != nullptr) check_mask(stream.mask, stream.ids.size());
  check_counted(stream);
  return stream;
}

}  // namespace gainsweep::archive
