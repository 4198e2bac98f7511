#include "model/mixture_config.hpp"

namespace gainsweep::model {
namespace {

constexpr std::int64_t most_experts = 1024;    // of a layer
constexpr std::int64_t most_of_all = 1 << 15;  // of a model: each is three ops of a graph

/// The key has two names, whatever the family.
std::int64_t read_num_experts(const ConfigKeys& keys) {
  constexpr const char* older = "num_experts";
  constexpr const char* newer = "num_local_experts";
  const bool both = keys.find(older) && keys.find(newer);
  const auto experts = keys.size(keys.find(older) ? older : newer, std::nullopt, most_experts);
  if (both && keys.size(newer, std::nullopt, most_experts) != experts)
    keys.refuse(std::string(older) + " and " + newer + " differ");
  return experts;
}

}  // namespace

void read_mixture(const ConfigKeys& keys, const char* size_key, Decoder& decoder) {
  Mixture mixture;
  mixture.experts = read_num_experts(keys);
  mixture.chosen = keys.size("num_experts_per_tok", std::nullopt, mixture.experts);
  mixture.intermediate = keys.size(size_key, std::nullopt);
  if (mixture.experts * decoder.layers > most_of_all)
    keys.refuse(std::to_string(mixture.experts) + " experts in " + std::to_string(decoder.layers) +
                    " layers are more than " + std::to_string(most_of_all) + " in all",
                "Choose a smaller model");
  decoder.mixture = mixture;
  decoder.mixed.assign(static_cast<std::size_t>(decoder.layers), true);
}

}  // namespace gainsweep::model
