#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "archive/archive.hpp"
#include "archive/items.hpp"
#include "model/model.hpp"
#include "pipeline/pack.hpp"
#include "pipeline/samples.hpp"
#include "spec/spec.hpp"

/// Tasks: requests whose log-likelihoods are measured under the plans that losses are measured of.
namespace gainsweep::pipeline {

/// Items of a unit of work and its requests, at most: an item that has more is a unit of its own.
inline constexpr std::size_t most_items_together = 64;
inline constexpr std::size_t most_requests_together = 256;

/// A task of `evaluate.tasks`.
struct Task {
  /// Requests of consecutive items.
  struct Chunk {
    std::size_t first = 0;  ///< request
    std::size_t size = 0;
    std::size_t first_item = 0;
    std::size_t first_pack = 0;
    std::size_t num_packs = 0;
    std::string digest{};  ///< of the packs
  };

  std::string name;                             ///< tables tell it by this
  std::string file;                             ///< as the spec names it
  std::shared_ptr<const archive::Items> items;  ///< the file's
  std::string digest{};                         ///< of the file's items
  std::size_t num_items = 0;                    ///< first ones that are asked
  std::size_t num_requests = 0;                 ///< of these
  std::vector<Pack> packs{};                    ///< of these
  std::shared_ptr<const Samples> runs{};        ///< the packs as samples
  std::vector<Chunk> chunks{};

  /// Requests of the longest chunk.
  std::size_t longest_chunk() const;
};

/// A task of a file's items, whose requests of one item share inputs if they may.
Task make_task(const spec::TaskSpec& spec, std::shared_ptr<const archive::Items> items,
               bool may_share, const model::Model& model);

/// What was read, by file and vocabulary.
using ItemsShelf =
    std::map<std::pair<std::filesystem::path, std::int64_t>, std::shared_ptr<const archive::Items>>;

/// The tasks of a spec, whose items have tokens of this vocabulary; files that are not on the shelf
/// are read at once. Error(input) for a file that is wrong, or whose requests may be longer than
/// the model has positions; Error(config) where two tasks have one name, or one that the archive
/// has no place for.
std::vector<Task> open_tasks(const spec::Spec& spec, const model::Model& model,
                             std::int64_t vocabulary, ItemsShelf& shelf);

/// What users should know: tasks that were made with different tokenizers.
std::vector<model::Note> notes_of(const std::vector<Task>& tasks);

/// The table `tasks`, and `tasks/<name>/items` and `tasks/<name>/requests` of each.
std::vector<archive::Table> task_tables(const std::vector<Task>& tasks);

/// Digest of all tasks: what units follow from.
std::string digest_of(const std::vector<Task>& tasks);

/// "hellaswag: 50 items, 200 requests of 41 to 224 tokens".
std::string to_text(const Task& task);

}  // namespace gainsweep::pipeline
