#include "model/model.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"
#include "disk/mapped_file.hpp"
#include "model/config_keys.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::model {
namespace {

constexpr const char* config_name = "config.json";

bool is_floating(ElementType type) {
  return type == ElementType::bf16 || type == ElementType::fp16 || type == ElementType::fp32 ||
         type == ElementType::fp64;
}

std::string to_text(const graph::Shape& shape) {
  return "[" + join(shape, [](std::int64_t dimension) { return std::to_string(dimension); }) + "]";
}

void check_tensor(const graph::Value& wanted, const std::string& name, const MappedTensor& found) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::input, found.file.string() + ": tensor '" + name + "' " + what +
                                      ". Check that config.json belongs to these weights.");
  };
  if (found.shape != wanted.shape) {
    refuse("has shape " + to_text(found.shape) + ", but the model needs " + to_text(wanted.shape));
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

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 5;
  const std::vector<std::string> first(names.begin(), names.begin() + std::min(names.size(), most));
  const auto more = names.size() - first.size();
  return join(first, [](const auto& name) { return quote(name); }) +
         (more == 0 ? "" : " and " + std::to_string(more) + " more");
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
  model.notes.push_back(std::to_string(unread.size()) +
                        (unread.size() == 1 ? " tensor is" : " tensors are") +
                        " stored that the model does not read: " + listed(unread));
}

}  // namespace

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
    keys.refuse("model_type " + quote(type) + " is not supported (known: " +
                join(readers().names(), [](const auto& name) { return quote(name); }) + ")");
  }
  return readers().at(type);
}

Model open(const std::filesystem::path& folder) {
  // Where there is no model at all, the checkpoint's message says best what is missing.
  if (!std::filesystem::exists(folder / config_name)) Checkpoint::open(folder);
  const auto config = disk::MappedFile::open(folder / config_name);
  auto model = reader_of(config.text(), folder / config_name).open(folder);
  const auto graph = model.build({.batch = 1, .length = 1});
  check(graph, model);
  judge_unread(model, read_by(graph, model));
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
