#include <algorithm>

#include "model/decoder_config.hpp"
#include "model/families.hpp"

namespace gainsweep::model {
namespace {

constexpr std::int64_t longest = 32768;

/// Windows of the layers that `layer_types` or else `max_window_layers` names.
void read_windows(const ConfigKeys& keys, Decoder& decoder) {
  const bool windows = keys.flag("use_sliding_window");
  const auto first = keys.size("max_window_layers", 28, ConfigKeys::largest_size, 0);
  std::vector<bool> windowed;
  for (std::int64_t layer = 0; layer < decoder.layers; ++layer)
    windowed.push_back(windows && layer >= first);
  windowed = read_layer_types(keys, windowed);
  if (!windows && std::ranges::find(windowed, true) != windowed.end())
    keys.refuse("layer_types has 'sliding_attention', but use_sliding_window is not true");
  set_windows(decoder, windowed, keys.size("sliding_window", 4096, Decoder::longest_context));
}

}  // namespace

Decoder read_qwen2(const ConfigKeys& keys) {
  auto decoder = read_decoder(keys, {.family = "qwen2", .longest = longest, .key_value_heads = 32});
  decoder.query_key_value_bias = true;
  read_windows(keys, decoder);
  return decoder;
}

Decoder read_qwen3(const ConfigKeys& keys) {
  auto decoder = read_decoder(
      keys, {.family = "qwen3", .longest = longest, .key_value_heads = 32, .head_size = 128});
  decoder.query_key_value_bias = decoder.attention_output_bias = keys.flag("attention_bias");
  decoder.bias_keys = {"attention_bias"};
  decoder.query_key_norm = QueryKeyNorm::heads;
  read_windows(keys, decoder);
  return decoder;
}

}  // namespace gainsweep::model
