#include <algorithm>
#include <charconv>
#include <initializer_list>

#include "base/text.hpp"
#include "model/decoder.hpp"
#include "model/mixture.hpp"
#include "model/sample.hpp"

/// A decoder's checkpoint: which tensors it reads, and what those mean that it does not.
namespace gainsweep::model {
namespace {

std::string embedding_of(const Decoder& decoder) {
  return decoder.names.embedding + ".weight";
}

std::string head_of(const Decoder& decoder) {
  return decoder.names.head + ".weight";
}

bool are_equal(const MappedTensor& a, const MappedTensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

bool is_zero(const MappedTensor& tensor) {
  return std::ranges::all_of(tensor.bytes, [](std::byte b) { return b == std::byte{0}; });
}

/// A tensor of a layer.
struct OfLayer {
  std::int64_t layer = -1;  ///< -1: of none
  std::string name{};       ///< in it
};

OfLayer place_of(const Decoder& decoder, const std::string& name) {
  const auto& start = decoder.names.layers;
  OfLayer place;
  if (!name.starts_with(start)) return place;
  const auto* end = name.data() + name.size();
  const auto number = std::from_chars(name.data() + start.size(), end, place.layer);
  if (number.ptr != end) place.name.assign(number.ptr + 1, end);
  return place;
}

Unread refused(const std::string& why) {
  return {Unread::Kind::refused, why};
}

/// The key of config.json that switches a bias of a layer on, if any does.
std::string bias_key(const Decoder& decoder, const OfLayer& place) {
  const auto& names = decoder.names;
  const auto is_one_of = [&](std::initializer_list<std::string> modules) {
    return std::ranges::any_of(modules,
                               [&](const auto& name) { return place.name == name + ".bias"; });
  };
  const bool attention = is_one_of({names.query, names.key, names.value, names.attention_output});
  if (!attention && !is_one_of({names.gate, names.up, names.down})) return "";
  for (const auto& key : decoder.bias_keys)
    if (key == "enable_bias" || key == (attention ? "attention_bias" : "mlp_bias")) return key;
  return "";
}

Unread judge_bias(const Decoder& decoder, const std::string& name, const MappedTensor& tensor) {
  if (is_zero(tensor)) return {Unread::Kind::listed};
  const std::string stored = "is stored, but config.json has no bias there";
  const auto key = bias_key(decoder, place_of(decoder, name));
  if (key.empty()) return refused(stored + ". A model with it is not supported");
  return refused(stored + ". Set '" + key +
                 "': true in it if the model was trained with its biases");
}

Unread judge(const Decoder& decoder, const std::string& name, const MappedTensor& tensor) {
  for (const char* computed : {".rotary_emb.inv_freq", ".masked_bias", ".attn.bias"})
    if (name.ends_with(computed)) return {Unread::Kind::silent};
  if (decoder.tied && (name == head_of(decoder) || name == embedding_of(decoder)))
    return {Unread::Kind::silent};  // the other name of the same matrix
  const auto& names = decoder.names;
  if (!name.starts_with(names.base) && !name.starts_with(names.head + "."))
    return {Unread::Kind::listed};
  if (place_of(decoder, name).layer >= decoder.layers) {
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

/// The names that a checkpoint gives the tensors of build().
class Names {
 public:
  Names(const Decoder& decoder, const Checkpoint& stored)
      : base_(decoder.names.base), head_(head_of(decoder)) {
    const auto first = decoder.names.layers + "0.";
    const auto has = [&](const std::string& start) {
      const auto found = stored.tensors().lower_bound(start);
      return found != stored.tensors().end() && found->first.starts_with(start);
    };
    bare_ = !has(first) && has(first.substr(base_.size()));
  }

  std::string in_checkpoint(const std::string& name) const {
    return bare_ && name.starts_with(base_) ? name.substr(base_.size()) : name;
  }

  std::string in_graph(const std::string& name) const {
    return bare_ && name != head_ ? base_ + name : name;
  }

 private:
  std::string base_;
  std::string head_;
  bool bare_ = false;  ///< the checkpoint is of the decoder without the head: no base
};

/// Settles whether the head really shares the embedding's weight and under which name it lies.
void settle_tie(Decoder& decoder, Model& model) {
  const auto& stored = *model.parameters;
  const auto head = head_of(decoder);
  const auto embedding = model.checkpoint_name(embedding_of(decoder));
  if (!decoder.tied || !stored.contains(head)) return;
  if (!stored.contains(embedding)) {
    model.checkpoint_name = [named = model.checkpoint_name, head,
                             tied = embedding_of(decoder)](const std::string& value) {
      return value == tied ? head : named(value);
    };
  } else if (!are_equal(stored.tensor(head), stored.tensor(embedding))) {
    decoder.tied = false;
    model.notes.push_back({std::string("config.json ties the head to the embedding, but ") +
                           quote(head) + " and " + quote(embedding) +
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

/// Settles whether the checkpoint has the experts fused, with the names that they have then.
void settle_experts(Decoder& decoder, const Model& model) {
  const auto mixed = std::ranges::find(decoder.mixed, true);
  if (mixed == decoder.mixed.end()) return;
  const MixtureNames names;
  const auto layer = decoder.names.layers + std::to_string(mixed - decoder.mixed.begin()) + ".";
  const auto stored = model.checkpoint_name(layer + names.experts + ".gate_up_proj");
  if (!model.parameters->contains(stored)) return;
  decoder.mixture->fused = true;
  decoder.mixture->names = names;
}

void note_mixture(const Mixture& mixture, Model& model) {
  model.ties = mixture_ties();
  model.notes.push_back(
      {"experts run over all tokens, with zeros for those that did not choose "
       "them: gains in macs count " +
       std::to_string(mixture.chosen) + " of " + std::to_string(mixture.experts) +
       " experts, times that are measured count them all"});
  model.notes.push_back(
      {"ops of a layer that match a pattern take one format where partition.tie says nothing",
       model.ties});
}

}  // namespace

Model open(const Decoder& given, std::shared_ptr<const Checkpoint> checkpoint) {
  Decoder decoder = given;
  const graph::Shape sequences{batch_size, sequence_length};
  Model model;
  model.name = decoder.family;
  model.longest = decoder.longest;
  model.longest_packed = longest_packed(decoder);
  model.parameters = std::move(checkpoint);
  note_config(decoder, model);
  const Names names(decoder, *model.parameters);
  model.checkpoint_name = [names](const std::string& name) { return names.in_checkpoint(name); };
  settle_tie(decoder, model);
  settle_experts(decoder, model);
  if (decoder.mixture) note_mixture(*decoder.mixture, model);
  model.build = [decoder](const Workload& workload) { return model::build(decoder, workload); };
  model.judge = [decoder, names](const std::string& name, const MappedTensor& tensor) {
    return judge(decoder, names.in_graph(name), tensor);
  };
  for (const char* name : {"tokens", targets_input}) {
    model.inputs.push_back({name, graph::ElementType::index, sequences, decoder.vocabulary});
  }
  model.inputs.push_back({weights_input, graph::ElementType::fp32, sequences});
  for (const char* name : {positions_input, parts_input, rows_input})
    model.inputs.push_back({name, graph::ElementType::index, {sequence_length}});
  model.digested = files_of(*model.parameters);
  return model;
}

}  // namespace gainsweep::model
