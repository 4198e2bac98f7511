#include <algorithm>

#include "model/decoder_config.hpp"
#include "model/families.hpp"
#include "model/mixture_config.hpp"

namespace gainsweep::model {
namespace {

/// The layers of `mlp_only_layers`.
std::vector<std::int64_t> dense_layers(const ConfigKeys& keys) {
  std::vector<std::int64_t> dense;
  const auto* written = keys.find("mlp_only_layers");
  if (!written) return dense;
  const auto is_layer = [](const auto& entry) { return entry.is_number_unsigned(); };
  if (!written->is_array() || !std::ranges::all_of(*written, is_layer))
    keys.refuse("mlp_only_layers is not a list of layers' numbers");
  for (const auto& entry : *written) dense.push_back(entry);
  return dense;
}

void read_mixed_layers(const ConfigKeys& keys, Decoder& decoder) {
  const auto step = keys.size("decoder_sparse_step", 1);
  const auto dense = dense_layers(keys);
  for (std::int64_t layer = 0; layer < decoder.layers; ++layer)
    decoder.mixed[static_cast<std::size_t>(layer)] =
        (layer + 1) % step == 0 && std::ranges::find(dense, layer) == dense.end();
  if (std::ranges::find(decoder.mixed, true) != decoder.mixed.end()) return;
  decoder.mixture.reset();
  decoder.mixed.clear();
}

}  // namespace

Decoder read_qwen3_moe(const ConfigKeys& keys) {
  auto decoder =
      read_decoder(keys, {.family = "qwen3_moe", .longest = 32768, .key_value_heads = 4});
  decoder.query_key_value_bias = decoder.attention_output_bias = keys.flag("attention_bias");
  decoder.bias_keys = {"attention_bias"};
  decoder.query_key_norm = QueryKeyNorm::heads;
  const auto window = keys.size("sliding_window", 4096, Decoder::longest_context);
  if (keys.flag("use_sliding_window") && !keys.is_null("sliding_window"))
    decoder.windows.assign(static_cast<std::size_t>(decoder.layers), window);
  read_mixture(keys, "moe_intermediate_size", decoder);
  decoder.mixture->normalised = keys.flag("norm_topk_prob");
  read_mixed_layers(keys, decoder);
  return decoder;
}

}  // namespace gainsweep::model
