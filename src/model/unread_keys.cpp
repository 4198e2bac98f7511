#include "model/unread_keys.hpp"

#include <algorithm>
#include <functional>
#include <regex>

#include "base/text.hpp"

namespace gainsweep::model {
namespace {

using nlohmann::json;

/// Keys of training, text generation, classes and files: about other things than the function.
bool is_about_other_things(const std::string& key) {
  static const std::regex names(
      "_.*|architectures|transformers_version|(torch_)?dtype|torchscript|use_bfloat16|model_type|"
      "(.*_)?token_id|initializer_range|(.*_)?(dropout|pdrop|dropout_prob)|pretraining_tp|"
      "use_cache|output_(attentions|hidden_states|scores)|(use_)?return_dict(_in_generate)?|"
      "attn_implementation|gradient_checkpointing|use_reentrant|chunk_size_feed_forward|"
      "id2label|label2id|num_labels|problem_type|finetuning_task|task_specific_params|"
      "tokenizer_class|prefix|is_decoder|tie_encoder_decoder|cross_attention_hidden_size|"
      "pruned_heads|(max|min)_length|max_new_tokens|do_sample|temperature|top_[kp]|typical_p|"
      "num_beams|num_beam_groups|num_return_sequences|early_stopping|remove_invalid_values|"
      "(repetition|length|diversity)_penalty|exponential_decay_length_penalty|"
      "(encoder_)?no_repeat_ngram_size|bad_words_ids|(begin_)?suppress_tokens|"
      "router_(aux_loss_coef|jitter_noise)|output_router_logits|max_window_layers|init_std|"
      "layerdrop|summary_.*|n_ctx|reorder_and_upcast_attn|"
      "cache_implementation|is_llama_config|transformers\\.js_config");
  return std::regex_match(key, names);
}

bool says_nothing(const json& value) {
  return (value.is_boolean() && !value.get<bool>()) || (value.is_structured() && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string&>().empty());
}

bool is_number(const json& value, double wanted) {
  return value.is_number() && value.get<double>() == wanted;
}

/// A key by which other families and variants change the function.
struct Changing {
  const char* keys;  ///< a regular expression
  const char* what;  ///< it does
  std::function<bool(const json&, const Decoder&)> is_neutral;
};

const std::vector<Changing>& changing_keys() {
  const auto one = [](const json& value, const Decoder&) { return is_number(value, 1); };
  const auto zero = [](const json& value, const Decoder&) { return is_number(value, 0); };
  const auto never = [](const json&, const Decoder&) { return false; };
  const auto at_most_one = [](const json& value, const Decoder&) {
    return value.is_number() && value.get<double>() <= 1;
  };
  const auto as_long = [](const json& value, const Decoder& decoder) {
    return value.is_number() && value.get<double>() >= static_cast<double>(decoder.longest);
  };
  const auto full = [](const json& value, const Decoder&) {
    return value.is_array() &&
           std::ranges::all_of(value, [](const json& type) { return type == "full_attention"; });
  };
  static const std::vector<Changing> keys{
      {"(embedding|attention|residual|logits)_multiplier|logits?_scal(e|ing)|embedding_scale|"
       "scale_(emb|depth)",
       "multiplies values between layers", one},
      {"(attn_|final_)?logit_softcap(ping)?|clip_qkv", "bounds values", zero},
      {"sliding_window|attention_chunk_size|attention_window", "hides distant tokens", as_long},
      {"layer_types", "gives layers kinds of their own", full},
      {"(use_)?qk_(layer)?norm", "normalises queries and keys", never},
      {"alibi|no_rope_layers|no_rope_layer_interval|rope_interleaved?|position_embedding_type",
       "places tokens in another way", never},
      {"num_(local_)?experts|n_routed_experts|moe_.*", "shares the work among experts",
       at_most_one},
      {"(use_)?parallel_(attn|residual)", "adds a layer's parts side by side", never},
      {"query_pre_attn_scalar", "scales queries in another way",
       [](const json& value, const Decoder& decoder) {
         return is_number(value, static_cast<double>(decoder.head_size));
       }},
      {"use_bidirectional_attention", "lets tokens see those behind them", never},
      {"add_cross_attention|is_encoder_decoder", "reads another sequence too", never},
  };
  return keys;
}

void refuse_if_changing(const ConfigKeys& keys, const std::string& key, const Decoder& decoder) {
  for (const auto& changing : changing_keys()) {
    if (!std::regex_match(key, std::regex(changing.keys))) continue;
    if (changing.is_neutral(*keys.find(key), decoder)) continue;
    keys.refuse("key " + quote(key) + " " + changing.what + ", which a " + decoder.family +
                    " here does not",
                "Remove the key if the model was trained without it; a model that needs it is not "
                "supported");
  }
}

}  // namespace

void judge_unread_keys(const ConfigKeys& keys, Decoder& decoder) {
  for (const auto& key : keys.unread()) {
    if (is_about_other_things(key) || says_nothing(*keys.find(key))) continue;
    refuse_if_changing(keys, key, decoder);
    decoder.unread_keys.push_back(key);
  }
}

}  // namespace gainsweep::model
