#include "model/decoder_config.hpp"
#include "model/families.hpp"

namespace gainsweep::model {

Decoder read_phi3(const ConfigKeys& keys) {
  auto decoder = read_decoder(
      keys, {.family = "phi3", .longest = 4096, .norm_epsilon = 1e-5, .rotates_parts = true});
  const auto& scaling = decoder.rope.scaling;
  // transformers takes "yarn" of the first releases for a LongRoPE, and knows no other type.
  if (!std::holds_alternative<std::monostate>(scaling) &&
      !std::holds_alternative<LongRope>(scaling))
    keys.refuse("the rope_type of a phi3 is neither 'default' nor 'longrope'");
  decoder.names.query = decoder.names.key = decoder.names.value = "self_attn.qkv_proj";
  decoder.names.gate = decoder.names.up = "mlp.gate_up_proj";
  if (keys.find("sliding_window"))
    decoder.windows.assign(static_cast<std::size_t>(decoder.layers),
                           keys.size("sliding_window", std::nullopt, Decoder::longest_context));
  return decoder;
}

}  // namespace gainsweep::model
