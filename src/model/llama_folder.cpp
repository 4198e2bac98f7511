#include "base/error.hpp"
#include "base/text.hpp"
#include "digest/digest.hpp"
#include "model/llama.hpp"

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

void check_tensor(const graph::Value& wanted, const MappedTensor& found) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::input, found.file.string() + ": tensor '" + wanted.name + "' " + what +
                                      ". Check that config.json belongs to these weights.");
  };
  if (found.shape != wanted.shape) {
    refuse("has shape " + to_text(found.shape) + ", but the model needs " + to_text(wanted.shape));
  }
  if (!is_floating(found.type)) refuse("holds integers, but the model needs BF16, F16, F32 or F64");
}

}  // namespace

void check(const graph::Graph& graph, const Checkpoint& checkpoint) {
  for (const auto& value : graph.values) {
    if (value.kind == graph::ValueKind::parameter)
      check_tensor(value, checkpoint.tensor(value.name));
  }
}

Model open(const std::filesystem::path& folder) {
  auto checkpoint = Checkpoint::open(folder);
  const auto config = read_config(folder / config_name);
  check(build(config, {.batch = 1, .length = 1, .with_loss = false}), checkpoint);
  return {config, std::move(checkpoint)};
}

std::vector<std::filesystem::path> digested_files(const Model& model) {
  auto files = model.checkpoint.files();
  files.insert(files.begin(), model.checkpoint.folder() / config_name);
  return files;
}

std::string digest(const Model& model, const std::map<std::filesystem::path, std::string>& files) {
  digest::Builder builder;
  for (const auto& file : digested_files(model)) {
    const auto found = files.find(file);
    if (found == files.end()) throw Error(ErrorKind::internal, "no digest of " + file.string());
    builder.add(file.filename().string(), found->second);
  }
  return builder.finish();
}

}  // namespace gainsweep::model
