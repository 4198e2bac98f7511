#include "model/decoder_config.hpp"
#include "model/families.hpp"
#include "model/mixture_config.hpp"

namespace gainsweep::model {

Decoder read_mixtral(const ConfigKeys& keys) {
  auto decoder = read_decoder(keys, {.family = "mixtral",
                                     .longest = 4096 * 32,
                                     .key_value_heads = 8,
                                     .norm_epsilon = 1e-5,
                                     .rope_theta = 1e6});
  if (keys.find("sliding_window"))
    decoder.windows.assign(static_cast<std::size_t>(decoder.layers),
                           keys.size("sliding_window", std::nullopt, Decoder::longest_context));
  read_mixture(keys, "intermediate_size", decoder);
  decoder.mixture->normalised = true;
  decoder.mixture->names = {.router = "block_sparse_moe.gate",
                            .experts = "block_sparse_moe.experts",
                            .gate = "w1",
                            .up = "w3",
                            .down = "w2"};
  return decoder;
}

}  // namespace gainsweep::model
