#include "model/llama.hpp"

#include "disk/mapped_file.hpp"
#include "model/decoder_config.hpp"
#include "model/strict_json.hpp"
#include "model/unread_keys.hpp"

namespace gainsweep::model {

Decoder parse_llama(std::string_view config, const std::filesystem::path& file) {
  const auto object = parse_json(config, file);
  const ConfigKeys keys(object, file.string());
  auto decoder = read_decoder(keys, {"llama", 2048});
  decoder.query_key_value_bias = decoder.attention_output_bias = keys.flag("attention_bias");
  decoder.bias_keys = {"attention_bias", "mlp_bias"};
  decoder.feed_forward_bias = keys.flag("mlp_bias");
  judge_unread_keys(keys, decoder);
  return decoder;
}

Model open_llama(const std::filesystem::path& folder,
                 std::shared_ptr<const Checkpoint> checkpoint) {
  const auto file = folder / "config.json";
  return open(parse_llama(disk::MappedFile::open(file).text(), file), std::move(checkpoint));
}

}  // namespace gainsweep::model
