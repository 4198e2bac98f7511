#include "model/mistral.hpp"

#include "disk/mapped_file.hpp"
#include "model/decoder_config.hpp"
#include "model/strict_json.hpp"
#include "model/unread_keys.hpp"

namespace gainsweep::model {

Decoder parse_mistral(std::string_view config, const std::filesystem::path& file) {
  constexpr std::int64_t default_window = 4096;  // a null means that there is none
  const auto object = parse_json(config, file);
  const ConfigKeys keys(object, file.string());
  auto decoder =
      read_decoder(keys, {.family = "mistral", .longest = 4096 * 32, .key_value_heads = 8});
  if (!keys.is_null("sliding_window"))
    decoder.windows.assign(static_cast<std::size_t>(decoder.layers),
                           keys.size("sliding_window", default_window, Decoder::longest_context));
  judge_unread_keys(keys, decoder);
  return decoder;
}

Model open_mistral(const std::filesystem::path& folder,
                   std::shared_ptr<const Checkpoint> checkpoint) {
  const auto file = folder / "config.json";
  return open(parse_mistral(disk::MappedFile::open(file).text(), file), std::move(checkpoint));
}

}  // namespace gainsweep::model
