#include "pipeline/task.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "archive/field.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"
#include "pipeline/key.hpp"

namespace gainsweep::pipeline {
namespace {

using archive::integers, archive::Items, archive::texts;
using Numbers = std::vector<std::int64_t>;

std::vector<Task::Chunk> chunks_of(const Task& task) {
  std::vector<Task::Chunk> chunks;
  std::size_t request = 0, pack = 0;
  for (std::size_t item = 0; item < task.num_items; ++item) {
    const auto own = static_cast<std::size_t>(task.items->items.requests[item]);
    if (chunks.empty() || item - chunks.back().first_item == most_items_together ||
        chunks.back().size + own > most_requests_together)
      chunks.push_back({request, 0, item, pack});
    auto& chunk = chunks.back();
    chunk.size += own;
    for (request += own; pack < task.packs.size() && task.packs[pack].first < request; ++pack)
      ++chunk.num_packs;
  }
  const std::span ids(task.runs->ids);
  for (auto& chunk : chunks)
    chunk.digest = key::of_sample_set(ids.subspan(chunk.first_pack, chunk.num_packs));
  return chunks;
}

template <class Of>
archive::Field text_field(const std::vector<Task>& tasks, const char* name, const char* about,
                          const Of& of) {
  std::vector<std::string> values;
  for (const auto& task : tasks) values.push_back(of(task));
  return texts(name, std::move(values), {{"task", tasks.size()}}, about);
}

template <class Of>
archive::Field number_field(const std::vector<Task>& tasks, const char* name, const char* about,
                            const Of& of) {
  Numbers values;
  for (const auto& task : tasks) values.push_back(static_cast<std::int64_t>(of(task)));
  return integers(name, std::move(values), {{"task", tasks.size()}}, "1", about);
}

archive::Table table_of_all(const std::vector<Task>& tasks) {
  return {"tasks",
          "Tasks whose requests plans are asked",
          archive::Nature::deterministic,
          {text_field(tasks, "name", "What the task is called here",
                      [](const Task& task) { return task.name; }),
           text_field(tasks, "task", "What its file calls it",
                      [](const Task& task) { return task.items->task; }),
           text_field(tasks, "variant", "Which form of the task, if there are several",
                      [](const Task& task) { return task.items->variant; }),
           text_field(tasks, "kind", "choice, loglikelihood or rolling",
                      [](const Task& task) { return task.items->kind; }),
           text_field(tasks, "file", "Its file, as the spec names it",
                      [](const Task& task) { return task.file; }),
           text_field(tasks, "items_digest", "Digest of all that the file says",
                      [](const Task& task) { return task.digest; }),
           text_field(tasks, "tokenizer_sha256", "SHA-256 of the tokenizer's file",
                      [](const Task& task) { return task.items->tokenizer_sha256; }),
           text_field(tasks, "raw_sha256", "SHA-256 of the raw data",
                      [](const Task& task) { return task.items->raw_sha256; }),
           text_field(tasks, "bos", "Whether texts begin with BOS: auto, always or never",
                      [](const Task& task) { return task.items->bos; }),
           number_field(tasks, "length", "Most tokens of a request, from the left",
                        [](const Task& task) { return task.items->length; }),
           number_field(tasks, "shots", "Examples in front of each question",
                        [](const Task& task) { return task.items->shots; }),
           number_field(tasks, "dropped", "Items that the file's maker left out",
                        [](const Task& task) { return task.items->dropped; }),
           number_field(tasks, "items", "Items that were asked",
                        [](const Task& task) { return task.num_items; }),
           number_field(tasks, "requests", "Requests of these",
                        [](const Task& task) { return task.num_requests; })}};
}

archive::Field first_of(const char* name, const Numbers& values, const archive::Axis& axis,
                        const char* unit, const char* about) {
  return integers(name, Numbers(values.begin(), values.begin() + static_cast<long>(axis.size)),
                  {axis}, unit, about);
}

archive::Table items_table(const Task& task) {
  const auto& items = task.items->items;
  const archive::Axis axis{"item", task.num_items};
  return {"tasks/" + task.name + "/items",
          "Items of a task",
          archive::Nature::deterministic,
          {first_of("label", items.label, axis, "1", "The right choice, -1 for none"),
           first_of("requests", items.requests, axis, "1", "Requests of the item"),
           first_of("bytes", items.bytes, axis, "byte", "Of the raw document of windows, else 0"),
           first_of("words", items.words, axis, "1", "Of the raw document of windows, else 0")}};
}

archive::Table requests_table(const Task& task) {
  const auto& requests = task.items->requests;
  const archive::Axis axis{"request", task.num_requests};
  Numbers targets;
  for (std::size_t request = 0; request < task.num_requests; ++request)
    targets.push_back(num_targets(*task.items, request));
  return {
      "tasks/" + task.name + "/requests",
      "Requests of a task",
      archive::Nature::deterministic,
      {first_of("item", requests.item, axis, "1", "Item that it belongs to"),
       first_of("choice", requests.choice, axis, "1", "Number of the choice in it"),
       first_of("bytes", requests.bytes, axis, "byte", "Of the choice, without its first space"),
       first_of("characters", requests.characters, axis, "1", "Code points of the same"),
       first_of("targets", targets, axis, "1", "Tokens that are predicted")}};
}

void check_name(const Task& task, const std::vector<Task>& all) {
  for (const auto& other : all) {
    if (&other == &task) break;
    if (other.name == task.name)
      throw Error(ErrorKind::config, "evaluate.tasks: " + other.file + " and " + task.file +
                                         " are both called " + quote(task.name) +
                                         " (tables tell tasks by their names). Give one of them "
                                         "another \"name\".");
  }
  const auto table = table_of_all({task});
  const bool is_field = std::any_of(table.fields.begin(), table.fields.end(),
                                    [&](const auto& field) { return field.name == task.name; });
  if (is_field || task.name == "points" || task.name == "sha256")
    throw Error(ErrorKind::config, "evaluate.tasks: " + task.file + " is called " +
                                       quote(task.name) +
                                       " (the archive has no place for tables of that name). Give "
                                       "it another \"name\".");
}

}  // namespace

std::size_t Task::longest_chunk() const {
  std::size_t most = 0;
  for (const auto& chunk : chunks) most = std::max(most, chunk.size);
  return most;
}

Task make_task(const spec::TaskSpec& spec, std::shared_ptr<const Items> items, bool may_share,
               const model::Model& model) {
  Task task{spec.name.value_or(items->task), spec.items.string(), items, digest_of(*items),
            items->num_items()};
  if (spec.items_limit > 0)
    task.num_items = std::min(task.num_items, static_cast<std::size_t>(spec.items_limit));
  for (std::size_t item = 0; item < task.num_items; ++item)
    task.num_requests += static_cast<std::size_t>(items->items.requests[item]);
  task.packs = packs_of(*items, task.num_items, may_share, model);
  task.runs = std::make_shared<const Samples>(samples_of(std::move(items), task.packs));
  task.chunks = chunks_of(task);
  return task;
}

std::vector<Task> open_tasks(const spec::Spec& spec, const model::Model& model,
                             std::int64_t vocabulary, ItemsShelf& shelf) {
  const auto& specs = spec.evaluate.tasks;
  std::vector<archive::TokenFile> files;
  for (const auto& one : specs)
    if (shelf.try_emplace({one.items, vocabulary}).second) files.push_back({one.items, vocabulary});
  auto read = archive::read_items(files);
  for (std::size_t i = 0; i < files.size(); ++i)
    shelf.at({files[i].path, vocabulary}) = std::make_shared<const Items>(std::move(read[i]));
  const bool shares = may_share(spec.formats.formats);
  std::vector<Task> tasks;
  for (const auto& one : specs)
    tasks.push_back(make_task(one, shelf.at({one.items, vocabulary}), shares, model));
  for (const auto& task : tasks) {
    check_name(task, tasks);
    if (task.items->length > model.longest)
      throw Error(ErrorKind::input,
                  task.file + ": attribute 'length' is " + std::to_string(task.items->length) +
                      " and the model has " + std::to_string(model.longest) +
                      " positions (requests may be longer). Make the file with a length of at "
                      "most that.");
  }
  return tasks;
}

std::vector<model::Note> notes_of(const std::vector<Task>& tasks) {
  std::set<std::string> tokenizers;
  std::vector<std::string> files;
  for (const auto& task : tasks)
    if (tokenizers.insert(task.items->tokenizer_sha256).second) files.push_back(task.file);
  if (files.size() < 2) return {};
  return {
      {"files of tasks were made with different tokenizers (tokenizer_sha256), of which one is "
       "the model's at most",
       files}};
}

std::vector<archive::Table> task_tables(const std::vector<Task>& tasks) {
  if (tasks.empty()) return {};
  std::vector<archive::Table> tables{table_of_all(tasks)};
  for (const auto& task : tasks) {
    tables.push_back(items_table(task));
    tables.push_back(requests_table(task));
  }
  return tables;
}

std::string digest_of(const std::vector<Task>& tasks) {
  digest::Builder builder;
  for (const auto& task : tasks)
    builder.add("task", task.name).add("items", task.digest).add("number", task.num_items);
  return builder.finish();
}

std::string to_text(const Task& task) {
  std::int64_t least = task.items->length, most = 0, tokens = 0, run = 0;
  for (std::size_t request = 0; request < task.num_requests; ++request) {
    const auto length = num_inputs(*task.items, request);
    least = std::min(least, length);
    most = std::max(most, length);
    tokens += length;
  }
  for (const auto& pack : task.packs) run += pack.bucket.length;
  return task.name + ": " + std::to_string(task.num_items) + " items, " +
         std::to_string(task.num_requests) + " requests of " + std::to_string(least) + " to " +
         std::to_string(most) + " tokens (" + std::to_string(tokens) + " in all, of which " +
         std::to_string(run) + " run)";
}

}  // namespace gainsweep::pipeline
