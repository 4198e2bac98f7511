#include "archive/items.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "archive/foreign_data.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace gainsweep::archive {
namespace {

constexpr const char* make_it =
    "Make it with `python -m gainsweep_analysis items`, or as docs/items_files.md has it";
constexpr std::size_t longest_text = 256;

std::string at(const std::string& path, std::size_t place) {
  return "'" + path + "'[" + std::to_string(place) + "]";
}

[[noreturn]] void refuse_at(const std::string& path, std::size_t place, std::int64_t found,
                            const std::string& why) {
  refuse(at(path, place) + " is " + std::to_string(found) + why);
}

/// What an attribute says; `otherwise` where it is left out and may be.
std::string text_of(hid_t root, const std::string& name,
                    const std::optional<std::string>& otherwise = std::nullopt) {
  if (!hdf5::has_attribute(root, name)) {
    if (otherwise) return *otherwise;
    refuse("it has no attribute '" + name + "'. " + make_it);
  }
  auto text = hdf5::text(root, name);
  if (text.size() > longest_text || std::any_of(text.begin(), text.end(), is_control))
    refuse("attribute '" + name + "' is " + quote(text, 32) +
           ", which is no short text of one line. " + make_it);
  return text;
}

std::int64_t number_of(hid_t root, const std::string& name, std::int64_t least,
                       const std::optional<std::string>& otherwise = std::nullopt) {
  const auto text = text_of(root, name, otherwise);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least)
    refuse("attribute '" + name + "' is " + quote(text) + ", not an integer from " +
           std::to_string(least) + " on. " + make_it);
  return number;
}

/// What tables may be named after.
bool is_name(const std::string& text) {
  const auto is_sound = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 64 && is_sound(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_sound(c) || c == '.' || c == '_' || c == '-'; });
}

void read_attributes(hid_t root, std::int64_t vocabulary, Items& items) {
  const auto schema = text_of(root, "schema");
  if (schema != "gainsweep items")
    refuse("attribute 'schema' is " + quote(schema) + ", not 'gainsweep items'. " + make_it);
  if (const auto version = text_of(root, "schema_version"); version != "1")
    refuse("attribute 'schema_version' is " + quote(version) +
           ", and this program reads 1. Make it anew, or use another version of the program");
  items.task = text_of(root, "task");
  if (!is_name(items.task))
    refuse("attribute 'task' is " + quote(items.task) +
           ", no name of 1 to 64 letters, digits, '.', '_' and '-'. " + make_it);
  items.variant = text_of(root, "variant", "");
  items.kind = text_of(root, "kind");
  const std::array known{task_kind::choice, task_kind::loglikelihood, task_kind::rolling};
  if (std::find(known.begin(), known.end(), items.kind) == known.end())
    refuse("attribute 'kind' is " + quote(items.kind) +
           ", none of choice, loglikelihood, rolling. " + make_it);
  items.bos = text_of(root, "bos");
  items.raw_sha256 = text_of(root, "raw_sha256");
  items.tokenizer_sha256 = text_of(root, "tokenizer_sha256");
  items.length = number_of(root, "length", 1);
  items.prefix_token = number_of(root, "prefix_token", 0);
  items.shots = number_of(root, "shots", 0, "0");
  items.dropped = number_of(root, "dropped", 0, "0");
  const auto own = number_of(root, "vocabulary", 1, std::to_string(vocabulary));
  if (own > vocabulary)
    refuse("attribute 'vocabulary' is " + std::to_string(own) + " and the model has " +
           std::to_string(vocabulary) +
           " tokens (it was made for another model). Use items made with this model's tokenizer");
}

/// A group with its links.
struct Folder {
  hdf5::Group group;
  std::string path;  ///< with a slash; empty for the root
  std::vector<hdf5::Link> links;

  Numbers read(const std::string& name, const std::string& contents) const {
    const auto* link = find(links, name);
    if (link == nullptr || link->is_group)
      refuse("it has no dataset '" + path + name + "' (" + contents + "). " + make_it);
    return read_numbers(group.id(), name, path + name, contents, "a list of " + contents);
  }
};

Folder open_folder(const Folder& root, const std::string& name) {
  const auto* link = find(root.links, name);
  if (link == nullptr || !link->is_group) refuse("it has no group '" + name + "'. " + make_it);
  auto group = hdf5::open_group(root.group.id(), name);
  auto links = hdf5::links(group.id());
  return {std::move(group), name + "/", std::move(links)};
}

void read_datasets(const Folder& root, Items& items) {
  items.tokens = root.read("tokens", "token ids");
  const auto request = open_folder(root, "request");
  items.requests = {request.read("offset", "places of tokens"),
                    request.read("item", "items"),
                    request.read("choice", "numbers of choices"),
                    request.read("start", "places of the first predicted tokens"),
                    request.read("bytes", "lengths of choices"),
                    request.read("characters", "lengths of choices")};
  const auto item = open_folder(root, "item");
  items.items = {item.read("label", "numbers of the right choices"),
                 item.read("requests", "numbers of requests"),
                 item.read("bytes", "lengths of documents"),
                 item.read("words", "lengths of documents")};
}

void check_sizes(const Items& items) {
  const auto& [offset, item, choice, start, bytes, characters] = items.requests;
  const auto& [label, requests, raw_bytes, words] = items.items;
  const auto same = [](const char* path, const Numbers& found, const char* as, std::size_t wanted) {
    if (found.size() == wanted) return;
    refuse("'" + std::string(path) + "' has " + std::to_string(found.size()) +
           " entries where there are " + std::to_string(wanted) + " by '" + as + "'. " + make_it);
  };
  if (item.empty() || label.empty()) refuse("it has no requests. " + std::string(make_it));
  same("request/offset", offset, "request/item", item.size() + 1);
  same("request/choice", choice, "request/item", item.size());
  same("request/start", start, "request/item", item.size());
  same("request/bytes", bytes, "request/item", item.size());
  same("request/characters", characters, "request/item", item.size());
  same("item/requests", requests, "item/label", label.size());
  same("item/bytes", raw_bytes, "item/label", label.size());
  same("item/words", words, "item/label", label.size());
}

void check_tokens(const Items& items, std::int64_t vocabulary) {
  const auto& tokens = items.tokens;
  const auto& [offset, item, choice, start, bytes, characters] = items.requests;
  for (std::size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || tokens[i] >= vocabulary)
      refuse_at("tokens", i, tokens[i],
                ", outside the model's vocabulary [0, " + std::to_string(vocabulary) +
                    "). Use items made with this model's tokenizer");
  if (offset.front() != 0)
    refuse_at("request/offset", 0, offset[0], ". The first request begins at 0");
  const auto end = static_cast<std::int64_t>(tokens.size());
  for (std::size_t r = 0; r < item.size(); ++r) {
    // A difference could overflow.
    if (offset[r + 1] <= offset[r] || offset[r + 1] > end)
      refuse_at("request/offset", r + 1, offset[r + 1],
                " behind " + std::to_string(offset[r]) + " (places rise, up to the " +
                    std::to_string(end) + " tokens). " + make_it);
    const auto size = offset[r + 1] - offset[r];
    if (size - 1 > items.length)
      refuse("request " + std::to_string(r) + " has " + std::to_string(size - 1) +
             " inputs and attribute 'length' is " + std::to_string(items.length) +
             " (requests are truncated to it from the left). " + make_it);
    if (start[r] < 1 || start[r] >= size)
      refuse_at("request/start", r, start[r],
                ", and request " + std::to_string(r) + " has " + std::to_string(size) +
                    " tokens (the first is never predicted, and one is at least). " + make_it);
  }
  if (offset.back() != end)
    refuse_at("request/offset", item.size(), offset.back(),
              ", and there are " + std::to_string(end) + " tokens. The last entry is their number");
}

/// How many requests each item has, which are consecutive.
Numbers counted_requests(const Items& items) {
  const auto& item = items.requests.item;
  Numbers counts(items.num_items());
  std::int64_t last = -1;
  for (std::size_t r = 0; r < item.size(); ++r) {
    if (item[r] < 0 || (item[r] != last && item[r] != last + 1))
      refuse_at("request/item", r, item[r],
                last < 0 ? ". The first request is of item 0"
                         : " behind " + std::to_string(last) + " (items follow one another)");
    last = item[r];
    if (last >= static_cast<std::int64_t>(counts.size()))
      refuse_at("request/item", r, last,
                ", and there are " + std::to_string(counts.size()) + " items by 'item/label'");
    ++counts[static_cast<std::size_t>(last)];
  }
  if (last + 1 != static_cast<std::int64_t>(counts.size()))
    refuse("item " + std::to_string(last + 1) + " has no request. Leave such items out");
  return counts;
}

/// Windows of a document are one request to their maker: they have neither choices nor a label.
void check_choices(const Items& items, const Numbers& counts) {
  if (items.kind == task_kind::rolling) return;
  const auto& [offset, item, choice, start, bytes, characters] = items.requests;
  for (std::size_t r = 0; r < item.size(); ++r) {
    const bool is_first = r == 0 || item[r] != item[r - 1];
    if (choice[r] != (is_first ? 0 : choice[r - 1] + 1))
      refuse_at("request/choice", r, choice[r],
                " (choices of an item count from 0). " + std::string(make_it));
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto& [label, requests, raw_bytes, words] = items.items;
    if (requests[i] != counts[i])
      refuse_at("item/requests", i, requests[i],
                ", and 'request/item' has " + std::to_string(counts[i]) + " of the item");
    if (label[i] < -1 || label[i] >= counts[i])
      refuse_at(
          "item/label", i, label[i],
          ", and the item has " + std::to_string(counts[i]) + " choices (-1 where none is right)");
  }
}

/// Lengths that a kind's metrics divide by.
void check_kind(const Items& items, const Numbers& counts) {
  const auto positive = [&](const char* path, const Numbers& numbers) {
    const auto found = std::find_if(numbers.begin(), numbers.end(), [](auto n) { return n <= 0; });
    if (found != numbers.end())
      refuse_at(path, static_cast<std::size_t>(found - numbers.begin()), *found,
                ", and log-likelihoods of the kind " + items.kind + " are divided by it");
  };
  if (items.kind == task_kind::choice) {
    positive("request/bytes", items.requests.bytes);
    positive("request/characters", items.requests.characters);
  } else if (items.kind == task_kind::rolling) {
    positive("item/bytes", items.items.bytes);
    positive("item/words", items.items.words);
    const auto& label = items.items.label;
    const auto found = std::find_if(label.begin(), label.end(), [](auto n) { return n != -1; });
    if (found != label.end())
      refuse_at("item/label", static_cast<std::size_t>(found - label.begin()), *found,
                ", and documents have none. Store -1");
  } else {
    const auto found = std::find_if(counts.begin(), counts.end(), [](auto n) { return n != 1; });
    if (found != counts.end())
      refuse("item " + std::to_string(found - counts.begin()) + " has " + std::to_string(*found) +
             " requests, and those of the kind loglikelihood have one each. " + make_it);
  }
}

}  // namespace

Items decode_items(std::span<const std::byte> bytes, std::int64_t vocabulary) {
  const hdf5::Session session;
  const hdf5::File file = open_foreign(bytes, make_it);
  auto group = hdf5::open_group(file.id(), "/");
  auto links = hdf5::links(group.id());
  const Folder root{std::move(group), "", std::move(links)};
  Items items;
  read_attributes(root.group.id(), vocabulary, items);
  read_datasets(root, items);
  check_sizes(items);
  check_tokens(items, vocabulary);
  const auto counts = counted_requests(items);
  check_choices(items, counts);
  check_kind(items, counts);
  items.items.requests = counts;
  return items;
}

}  // namespace gainsweep::archive
