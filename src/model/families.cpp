#include "model/families.hpp"

#include "model/strict_json.hpp"
#include "model/unread_keys.hpp"

namespace gainsweep::model {

const Table<Family>& families() {
  static const Table<Family> table{
      {"gemma", read_gemma},     {"gemma2", read_gemma2},      {"gemma3_text", read_gemma3},
      {"gpt2", read_gpt2},       {"granite", read_granite},    {"llama", read_llama},
      {"mistral", read_mistral}, {"mixtral", read_mixtral},    {"olmo2", read_olmo2},
      {"opt", read_opt},         {"phi3", read_phi3},          {"qwen2", read_qwen2},
      {"qwen3", read_qwen3},     {"qwen3_moe", read_qwen3_moe}};
  return table;
}

Decoder parse_decoder(const std::string& family, std::string_view config,
                      const std::filesystem::path& file) {
  const auto object = parse_json(config, file);
  const ConfigKeys keys(object, file.string());
  auto decoder = families().at(family).read(keys);
  judge_unread_keys(keys, decoder);
  return decoder;
}

}  // namespace gainsweep::model
