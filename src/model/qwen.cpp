#include "model/qwen.hpp"

#include "base/text.hpp"
#include "disk/mapped_file.hpp"
#include "model/decoder_config.hpp"
#include "model/strict_json.hpp"
#include "model/unread_keys.hpp"

namespace gainsweep::model {
namespace {

constexpr std::int64_t longest = 32768;
constexpr const char* sliding = "sliding_attention";

/// Each layer's kind: `layer_types`, or windows from layer `max_window_layers` on.
std::vector<bool> windowed_layers(const ConfigKeys& keys, std::int64_t layers) {
  const bool windows = keys.flag("use_sliding_window");
  const auto first = keys.size("max_window_layers", 28, ConfigKeys::largest_size, 0);
  std::vector<bool> windowed;
  for (std::int64_t layer = 0; layer < layers; ++layer)
    windowed.push_back(windows && layer >= first);
  const auto* types = keys.find("layer_types");
  if (!types) return windowed;
  const auto refuse = [&] {
    keys.refuse("layer_types is not one of 'full_attention' and 'sliding_attention' for each of " +
                std::to_string(layers) + " layers");
  };
  if (!types->is_array() || types->size() != windowed.size()) refuse();
  for (std::size_t layer = 0; layer < windowed.size(); ++layer) {
    const auto& type = (*types)[layer];
    if (type != sliding && type != "full_attention") refuse();
    if (type == sliding && !windows)
      keys.refuse("layer_types has 'sliding_attention', but use_sliding_window is not true");
    windowed[layer] = type == sliding;
  }
  return windowed;
}

void read_windows(const ConfigKeys& keys, Decoder& decoder) {
  const auto window = keys.size("sliding_window", 4096, Decoder::longest_context);
  for (const bool windowed : windowed_layers(keys, decoder.layers))
    decoder.windows.push_back(windowed ? window : 0);
}

}  // namespace

Decoder parse_qwen2(std::string_view config, const std::filesystem::path& file) {
  const auto object = parse_json(config, file);
  const ConfigKeys keys(object, file.string());
  auto decoder = read_decoder(keys, {.family = "qwen2", .longest = longest, .key_value_heads = 32});
  decoder.query_key_value_bias = true;
  read_windows(keys, decoder);
  judge_unread_keys(keys, decoder);
  return decoder;
}

Decoder parse_qwen3(std::string_view config, const std::filesystem::path& file) {
  const auto object = parse_json(config, file);
  const ConfigKeys keys(object, file.string());
  auto decoder = read_decoder(
      keys, {.family = "qwen3", .longest = longest, .key_value_heads = 32, .head_size = 128});
  decoder.query_key_value_bias = decoder.attention_output_bias = keys.flag("attention_bias");
  decoder.bias_keys = {"attention_bias"};
  decoder.query_key_norm = true;
  read_windows(keys, decoder);
  judge_unread_keys(keys, decoder);
  return decoder;
}

Model open_qwen2(const std::filesystem::path& folder,
                 std::shared_ptr<const Checkpoint> checkpoint) {
  const auto file = folder / "config.json";
  return open(parse_qwen2(disk::MappedFile::open(file).text(), file), std::move(checkpoint));
}

Model open_qwen3(const std::filesystem::path& folder,
                 std::shared_ptr<const Checkpoint> checkpoint) {
  const auto file = folder / "config.json";
  return open(parse_qwen3(disk::MappedFile::open(file).text(), file), std::move(checkpoint));
}

}  // namespace gainsweep::model
