#include "model/decoder.hpp"

#include <utility>

#include "base/error.hpp"
#include "model/decoder_attention.hpp"
#include "model/decoder_feed_forward.hpp"
#include "model/decoder_nodes.hpp"
#include "model/decoder_outputs.hpp"

namespace gainsweep::model {
namespace {

using graph::ValueId;

ValueId add_layer(Nodes& nodes, ValueId x_BTC, std::int64_t layer, const AttentionTables& tables) {
  const auto name = "model.layers." + std::to_string(layer);
  const auto path = "layers." + std::to_string(layer);
  const auto attention = path + ".attention";
  const auto feed_forward = path + ".mlp";
  const auto seen = nodes.norm(x_BTC, name + ".input_layernorm", attention + ".norm");
  const auto attended = add_attention(nodes, seen, layer, name + ".self_attn", attention, tables);
  x_BTC = nodes.sum(x_BTC, attended, attention + ".residual");
  const auto normed = nodes.norm(x_BTC, name + ".post_attention_layernorm", feed_forward + ".norm");
  const auto fed = add_feed_forward(nodes, normed, name + ".mlp", feed_forward);
  return nodes.sum(x_BTC, fed, feed_forward + ".residual");
}

void check(const Decoder& decoder, const Workload& workload) {
  if (workload.batch < 1 || workload.length < 1) {
    throw Error(ErrorKind::input,
                "batch " + std::to_string(workload.batch) + " and length " +
                    std::to_string(workload.length) +
                    " must both be at least 1 (a graph has fixed shapes). Ask for "
                    "at least one token.");
  }
  if (workload.length > decoder.longest) {
    throw Error(ErrorKind::input, "length " + std::to_string(workload.length) +
                                      " tokens exceeds the model's " +
                                      std::to_string(decoder.longest) +
                                      " (max_position_embeddings). Use shorter sequences.");
  }
}

}  // namespace

graph::Graph build(const Decoder& decoder, const Workload& workload) {
  check(decoder, workload);
  Nodes nodes(decoder, workload);
  const graph::Shape stream_BTC{nodes.batch, nodes.length, decoder.hidden};
  const auto tokens =
      nodes.graph.add_input("tokens", graph::ElementType::index, {nodes.batch, nodes.length});
  const auto embedding =
      nodes.graph.add_parameter("model.embed_tokens.weight", {decoder.vocabulary, decoder.hidden});
  const auto tables = add_attention_tables(nodes);
  auto x_BTC = nodes.add("aten::embedding", {embedding, tokens}, stream_BTC, "embed");
  for (std::int64_t layer = 0; layer < decoder.layers; ++layer)
    x_BTC = add_layer(nodes, x_BTC, layer, tables);
  x_BTC = nodes.norm(x_BTC, "model.norm", "norm");
  const auto logits_BTV = nodes.linear(x_BTC, decoder.tied ? "model.embed_tokens" : "lm_head",
                                       decoder.vocabulary, false, "lm_head");
  add_outputs(nodes, logits_BTV, workload.outputs);
  return std::move(nodes.graph);
}

}  // namespace gainsweep::model
