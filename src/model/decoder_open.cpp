#include <algorithm>
#include <charconv>
#include <regex>

#include "base/text.hpp"
#include "model/decoder.hpp"

/// A decoder's checkpoint: which tensors it reads, and what those mean that it does not.
namespace gainsweep::model {
namespace {

constexpr const char* embedding_name = "model.embed_tokens.weight";
constexpr const char* head_name = "lm_head.weight";

bool are_equal(const MappedTensor& a, const MappedTensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

bool is_zero(const MappedTensor& tensor) {
  return std::ranges::all_of(tensor.bytes, [](std::byte b) { return b == std::byte{0}; });
}

/// The layer that a tensor belongs to, -1 for none.
std::int64_t layer_of(const std::string& name) {
  constexpr std::string_view start = "model.layers.";
  std::int64_t layer = -1;
  if (name.starts_with(start))
    std::from_chars(name.data() + start.size(), name.data() + name.size(), layer);
  return layer;
}

Unread refused(const std::string& why) {
  return {Unread::Kind::refused, why};
}

Unread judge_bias(const Decoder& decoder, const std::string& name, const MappedTensor& tensor) {
  if (is_zero(tensor)) return {Unread::Kind::listed};
  static const std::regex attention(R"(model\.layers\.\d+\.self_attn\.[qkvo]_proj\.bias)");
  static const std::regex feed_forward(R"(model\.layers\.\d+\.mlp\.(gate|up|down)_proj\.bias)");
  const std::string stored = "is stored, but config.json has no bias there";
  const std::string key = std::regex_match(name, attention)      ? "attention_bias"
                          : std::regex_match(name, feed_forward) ? "mlp_bias"
                                                                 : "";
  if (std::ranges::find(decoder.bias_keys, key) == decoder.bias_keys.end())
    return refused(stored + ". A model with it is not supported");
  return refused(stored + ". Set '" + key +
                 "': true in it if the model was trained with its biases");
}

Unread judge(const Decoder& decoder, const std::string& name, const MappedTensor& tensor) {
  for (const char* computed : {".rotary_emb.inv_freq", ".masked_bias", ".attn.bias"})
    if (name.ends_with(computed)) return {Unread::Kind::silent};
  if (decoder.tied && (name == head_name || name == embedding_name))
    return {Unread::Kind::silent};  // the other name of the same matrix
  if (!name.starts_with("model.") && !name.starts_with("lm_head.")) return {Unread::Kind::listed};
  if (layer_of(name) >= decoder.layers) {
    return refused("is of a layer that config.json does not have (num_hidden_layers is " +
                   std::to_string(decoder.layers) +
                   "). Check that config.json belongs to these weights");
  }
  if (name.ends_with(".bias")) return judge_bias(decoder, name, tensor);
  return refused(
      "is part of the model, but a " + decoder.family +
      " has nothing that reads it. Check that model_type in config.json is that of these "
      "weights; a variant of it with further tensors is not supported");
}

/// Settles whether the head really shares the embedding's weight and under which name it lies.
void settle_tie(Decoder& decoder, Model& model) {
  const auto& stored = *model.parameters;
  if (!decoder.tied || !stored.contains(head_name)) return;
  if (!stored.contains(embedding_name)) {
    model.checkpoint_name = [](const std::string& value) {
      return value == embedding_name ? std::string(head_name) : value;
    };
  } else if (!are_equal(stored.tensor(head_name), stored.tensor(embedding_name))) {
    decoder.tied = false;
    model.notes.push_back({std::string("config.json ties the head to the embedding, but ") +
                           quote(head_name) + " and " + quote(embedding_name) +
                           " differ: each is used as it is stored"});
  }
}

/// What reading its config.json left to say.
void note_config(const Decoder& decoder, Model& model) {
  for (const auto& remark : decoder.remarks) model.notes.push_back({remark});
  const auto& unread = decoder.unread_keys;
  if (unread.empty()) return;
  model.notes.push_back({std::to_string(unread.size()) + (unread.size() == 1 ? " key" : " keys") +
                             " of config.json " + (unread.size() == 1 ? "says" : "say") +
                             " nothing to a " + decoder.family,
                         unread});
}

}  // namespace

Model open(const Decoder& given, std::shared_ptr<const Checkpoint> checkpoint) {
  Decoder decoder = given;
  const graph::Shape sequences{batch_size, sequence_length};
  Model model;
  model.name = decoder.family;
  model.parameters = std::move(checkpoint);
  note_config(decoder, model);
  settle_tie(decoder, model);
  model.build = [decoder](const Workload& workload) { return model::build(decoder, workload); };
  model.judge = [decoder](const std::string& name, const MappedTensor& tensor) {
    return judge(decoder, name, tensor);
  };
  for (const char* name : {"tokens", "labels"}) {
    model.inputs.push_back({name, graph::ElementType::index, sequences, decoder.vocabulary});
  }
  model.digested = files_of(*model.parameters);
  return model;
}

}  // namespace gainsweep::model
