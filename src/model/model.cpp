#include "model/model.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"
#include "disk/file.hpp"
#include "disk/mapped_file.hpp"
#include "graph/print.hpp"
#include "model/config_keys.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::model {
namespace {

constexpr const char* config_name = "config.json";

bool is_floating(ElementType type) {
  return type == ElementType::bf16 || type == ElementType::fp16 || type == ElementType::fp32 ||
         type == ElementType::fp64;
}

void check_tensor(const graph::Value& wanted, const std::string& name, const MappedTensor& found) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::input, found.file.string() + ": tensor '" + name + "' " + what +
                                      ". Check that config.json belongs to these weights.");
  };
  if (found.shape != wanted.shape) {
    refuse("has shape " + graph::to_text(found.shape) + ", but the model needs " +
           graph::to_text(wanted.shape));
  }
  if (found.type == ElementType::other) {
    throw Error(ErrorKind::input, found.file.string() + ": tensor '" + name + "' has dtype " +
                                      quote(found.dtype) +
                                      ", but the model needs BF16, F16, F32 or F64. Convert the "
                                      "checkpoint to BF16 or F32.");
  }
  if (!is_floating(found.type)) refuse("holds integers, but the model needs BF16, F16, F32 or F64");
}

/// Names of the tensors that a graph reads.
std::set<std::string> read_by(const graph::Graph& graph, const Model& model) {
  std::set<std::string> names;
  for (const auto& value : graph.values) {
    if (value.kind == graph::ValueKind::parameter) names.insert(model.checkpoint_name(value.name));
  }
  return names;
}

/// Refuses or notes the tensors that nobody reads.
void judge_unread(Model& model, const std::set<std::string>& read) {
  std::vector<std::string> unread;
  for (const auto& [name, tensor] : model.parameters->tensors()) {
    if (read.contains(name)) continue;
    const auto verdict = model.judge(name, tensor);
    if (verdict.kind == Unread::Kind::refused) {
      throw Error(ErrorKind::input,
                  tensor.file.string() + ": tensor " + quote(name) + " " + verdict.why + ".");
    }
    if (verdict.kind == Unread::Kind::listed) unread.push_back(name);
  }
  if (unread.empty()) return;
  model.notes.push_back({std::to_string(unread.size()) +
                             (unread.size() == 1 ? " tensor is" : " tensors are") +
                             " stored that the model does not read",
                         std::move(unread)});
}

/// Zeros in the place of the tensors that a graph reads.
void make_blank(Model& model, const graph::Graph& graph) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& value : graph.values)
    if (value.kind == graph::ValueKind::parameter)
      shapes[model.checkpoint_name(value.name)] = value.shape;
  model.parameters =
      std::make_shared<const Checkpoint>(Checkpoint::blank(model.parameters->folder(), shapes));
  model.notes.push_back({model.parameters->folder().string() +
                         " has no weights: sizes are those of config.json, and no tensor was "
                         "checked"});
}

}  // namespace

std::string to_line(const Note& note) {
  constexpr std::size_t most = 5;
  if (note.names.empty()) return note.text;
  const std::vector<std::string> first(note.names.begin(),
                                       note.names.begin() + std::min(note.names.size(), most));
  const auto more = note.names.size() - first.size();
  return note.text + ": " + join(first, [](const auto& name) { return quote(name); }) +
         (more == 0 ? "" : " and " + std::to_string(more) + " more");
}

const Input* Model::input(const std::string& wanted) const {
  const auto found = std::find_if(inputs.begin(), inputs.end(),
                                  [&](const Input& known) { return known.name == wanted; });
  return found == inputs.end() ? nullptr : &*found;
}

const Reader& reader_of(std::string_view config, const std::filesystem::path& file) {
  const auto object = parse_json(config, file);
  const ConfigKeys keys(object, file.string());
  const auto type = keys.text("model_type", "");
  if (!readers().contains(type)) {
    const auto known = join(readers().names(), [](const auto& name) { return quote(name); });
    if (type.empty()) keys.refuse("no model_type, which names the family (known: " + known + ")");
    keys.refuse("model_type " + quote(type) + " is not supported (known: " + known + ")",
                "Choose a model of a known family; docs/models.md says what each of them holds");
  }
  return readers().at(type);
}

Model open(const std::filesystem::path& folder, Weights weights) {
  const auto file = folder / config_name;
  // Where there is no model at all, the checkpoint's message says best what is missing.
  if (!disk::is_there(file)) Checkpoint::open(folder);
  const auto config = disk::MappedFile::open(file);
  const auto& reader = reader_of(config.text(), file);
  const bool blank = weights == Weights::if_there && !Checkpoint::is_there(folder);
  auto model =
      reader.open(folder, std::make_shared<const Checkpoint>(blank ? Checkpoint::blank(folder, {})
                                                                   : Checkpoint::open(folder)));
  const auto graph = model.build({.batch = 1, .length = 1});
  if (blank) {
    make_blank(model, graph);
  } else {
    check(graph, model);
    judge_unread(model, read_by(graph, model));
  }
  return model;
}

void check(const graph::Graph& graph, const Model& model) {
  for (const auto& value : graph.values) {
    if (value.kind != graph::ValueKind::parameter) continue;
    const auto name = model.checkpoint_name(value.name);
    check_tensor(value, name, model.parameters->tensor(name));
  }
}

std::vector<std::filesystem::path> files_of(const Checkpoint& checkpoint) {
  auto files = checkpoint.files();
  files.insert(files.begin(), checkpoint.folder() / config_name);
  return files;
}

std::string digest(const Model& model, const std::map<std::filesystem::path, std::string>& files) {
  digest::Builder builder;
  for (const auto& file : model.digested) {
    const auto found = files.find(file);
    if (found == files.end()) throw Error(ErrorKind::internal, "no digest of " + file.string());
    builder.add(file.filename().string(), found->second);
  }
  return builder.finish();
}

}  // namespace gainsweep::model
