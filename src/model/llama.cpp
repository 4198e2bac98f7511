#include "model/llama.hpp"

#include "base/text.hpp"
#include "disk/mapped_file.hpp"
#include "model/decoder_config.hpp"
#include "model/strict_json.hpp"

namespace gainsweep::model {

Decoder parse_llama(std::string_view config, const std::filesystem::path& file) {
  const auto object = parse_json(config, file);
  const ConfigKeys keys(object, file.string());
  const auto activation = keys.text("hidden_act", "silu");
  if (activation != "silu" && activation != "swish") {
    keys.refuse("hidden_act " + quote(activation) + " is not supported (known is 'silu')");
  }
  auto decoder = read_decoder(keys);
  decoder.family = "llama";
  decoder.norm_epsilon = keys.positive("rms_norm_eps", 1e-6);
  decoder.attention_bias = keys.flag("attention_bias");
  decoder.feed_forward_bias = keys.flag("mlp_bias");
  return decoder;
}

Model open_llama(const std::filesystem::path& folder) {
  const auto file = folder / "config.json";
  return open(parse_llama(disk::MappedFile::open(file).text(), file), folder);
}

}  // namespace gainsweep::model
