#include "model/decoder_config.hpp"
#include "model/families.hpp"

namespace gainsweep::model {

Decoder read_mistral(const ConfigKeys& keys) {
  constexpr std::int64_t default_window = 4096;  // a null means that there is none
  auto decoder =
      read_decoder(keys, {.family = "mistral", .longest = 4096 * 32, .key_value_heads = 8});
  if (!keys.is_null("sliding_window"))
    decoder.windows.assign(static_cast<std::size_t>(decoder.layers),
                           keys.size("sliding_window", default_window, Decoder::longest_context));
  return decoder;
}

}  // namespace gainsweep::model
