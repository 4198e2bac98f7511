#include "model/decoder.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"

namespace gainsweep::model {
namespace {

// Shape letters: B sequences, T tokens, C hidden size, F intermediate size, V vocabulary, D head
// size; H query heads, K key/value heads, G = H/K query heads that share a key head.

using graph::Argument;
using graph::Graph;
using graph::Shape;
using graph::ValueId;

/// Tables that turn pairs: [T, 1, D], to be broadcast over sequences and heads.
struct Rotation {
  ValueId cos;
  ValueId
      sin;  ///< negated in the left half, where the right half of the rotated tensor comes to lie
};

/// What all layers share; computed from constants alone.
struct Tables {
  Rotation query;  ///< times 1/√D: the scaling of the scores then costs nothing
  Rotation key;
  std::map<std::int64_t, ValueId> masks;  ///< by window: [T, T], −∞ where a token does not see
};

class Builder {
 public:
  Builder(const Decoder& decoder, const Workload& workload)
      : decoder_(decoder), batch_(workload.batch), length_(workload.length) {
    graph_.name = decoder.family;
  }

  Graph build(const std::vector<Output>& outputs) {
    const auto tokens = graph_.add_input("tokens", graph::ElementType::index, {batch_, length_});
    const auto embedding =
        graph_.add_parameter("model.embed_tokens.weight", {decoder_.vocabulary, decoder_.hidden});
    const auto tables = add_tables();
    auto x_BTC =
        add("aten::embedding", {embedding, tokens}, {batch_, length_, decoder_.hidden}, "embed");
    for (std::int64_t layer = 0; layer < decoder_.layers; ++layer) {
      x_BTC = add_layer(x_BTC, layer, tables);
    }
    x_BTC = norm(x_BTC, "model.norm", "norm");
    const auto logits_BTV = linear(x_BTC, decoder_.tied ? "model.embed_tokens" : "lm_head",
                                   decoder_.vocabulary, false, "lm_head");
    for (const Output output : outputs) graph_.outputs.push_back(add_output(output, logits_BTV));
    return std::move(graph_);
  }

 private:
  ValueId add(const char* op, std::vector<Argument> arguments, Shape shape,
              const std::string& path) {
    return graph_.add_node(op, std::move(arguments), std::move(shape), path);
  }

  ValueId reshape(ValueId x, const Shape& shape, const std::string& path) {
    return add("aten::reshape", {x, shape}, shape, path);
  }

  ValueId linear(ValueId x, const std::string& name, std::int64_t out, bool bias,
                 const std::string& path) {
    Shape shape = graph_.value(x).shape;
    const auto in = std::exchange(shape.back(), out);
    std::vector<Argument> arguments{x, graph_.add_parameter(name + ".weight", {out, in})};
    if (bias) arguments.emplace_back(graph_.add_parameter(name + ".bias", {out}));
    return add("aten::linear", std::move(arguments), std::move(shape), path);
  }

  /// Of the last dimension.
  ValueId norm(ValueId x, const std::string& name, const std::string& path) {
    const Shape shape = graph_.value(x).shape;
    const auto weight = graph_.add_parameter(name + ".weight", {shape.back()});
    return add("aten::rms_norm", {x, Shape{shape.back()}, weight, decoder_.norm_epsilon}, shape,
               path);
  }

  Rotation add_rotation(const std::string& name, RopeTable table, double factor) {
    for (auto* half : {&table.cos, &table.sin}) {
      for (auto& element : *half) element *= factor;
    }
    const Shape half{length_, 1, decoder_.head_size / 2};
    const Shape full{length_, 1, decoder_.head_size};
    const auto cos = graph_.add_constant(name + ".cos", half, std::move(table.cos));
    const auto sin = graph_.add_constant(name + ".sin", half, std::move(table.sin));
    const auto negated = add("aten::neg", {sin}, half, name);
    return {add("aten::cat", {std::vector{cos, cos}, std::int64_t{2}}, full, name),
            add("aten::cat", {std::vector{negated, sin}, std::int64_t{2}}, full, name)};
  }

  Tables add_tables() {
    const auto table = rope_table(decoder_.rope, decoder_.head_size, length_);
    const double scaling = 1 / std::sqrt(static_cast<double>(decoder_.head_size));
    Tables tables;
    tables.query = add_rotation("rope.query", table, scaling);
    tables.key = add_rotation("rope.key", table, 1);
    add_masks(tables);
    return tables;
  }

  /// Exact zeros after the softmax above the diagonal and, with a window, beyond it.
  void add_masks(Tables& tables) {
    const Shape square{length_, length_};
    const auto blocked =
        graph_.add_constant("mask.blocked", {1, 1}, {-std::numeric_limits<double>::infinity()});
    const auto all = add("aten::expand", {blocked, square}, square, "mask");
    const auto later = add("aten::triu", {all, std::int64_t{1}}, square, "mask");
    for (std::int64_t layer = 0; layer < decoder_.layers; ++layer) {
      const auto window = window_of(layer);
      if (tables.masks.contains(window)) continue;
      tables.masks[window] = later;
      if (window == 0) continue;
      const auto path = "mask.window" + std::to_string(window);
      const auto distant = add("aten::tril", {all, -window}, square, path);
      tables.masks[window] = add("aten::add.Tensor", {later, distant}, square, path);
    }
  }

  /// A layer's window where it hides anything from sequences of this length, else 0.
  std::int64_t window_of(std::int64_t layer) const {
    if (decoder_.windows.empty()) return 0;
    const auto window = decoder_.windows.at(static_cast<std::size_t>(layer));
    return window < length_ ? window : 0;
  }

  /// x·cos + swap(x)·sin, where swap exchanges the halves of the last dimension.
  ValueId rotate(ValueId x_BTHD, const Rotation& rotation, const std::string& path) {
    const Shape shape = graph_.value(x_BTHD).shape;
    const std::int64_t size = shape[3];
    Shape half = shape;
    half[3] = size / 2;
    const std::int64_t dim = 3;
    const auto left =
        add("aten::slice.Tensor", {x_BTHD, dim, std::int64_t{0}, size / 2}, half, path);
    const auto right = add("aten::slice.Tensor", {x_BTHD, dim, size / 2, size}, half, path);
    const auto swapped = add("aten::cat", {std::vector{right, left}, dim}, shape, path);
    const auto kept = add("aten::mul.Tensor", {x_BTHD, rotation.cos}, shape, path);
    const auto turned = add("aten::mul.Tensor", {swapped, rotation.sin}, shape, path);
    return add("aten::add.Tensor", {kept, turned}, shape, path);
  }

  /// A linear layer whose outputs are heads: [B, T, heads, D].
  ValueId heads(ValueId x_BTC, const std::string& name, std::int64_t count,
                const std::string& path) {
    const auto y =
        linear(x_BTC, name, count * decoder_.head_size, decoder_.query_key_value_bias, path);
    return reshape(y, {batch_, length_, count, decoder_.head_size}, path);
  }

  /// Queries or keys as they are compared: `name` ends in "q" or "k".
  ValueId turned_heads(ValueId x_BTC, const std::string& name, std::int64_t count,
                       const Rotation& rotation, const std::string& path) {
    auto x_BTHD = heads(x_BTC, name + "_proj", count, path);
    if (decoder_.query_key_norm) x_BTHD = norm(x_BTHD, name + "_norm", path + "_norm");
    return rotate(x_BTHD, rotation, path.substr(0, path.rfind('.')) + ".rope");
  }

  /// [B, T, heads, D] with its middle dimensions exchanged, or back.
  ValueId swap_heads(ValueId x, const std::string& path) {
    Shape shape = graph_.value(x).shape;
    std::swap(shape[1], shape[2]);
    return add("aten::transpose.int", {x, std::int64_t{1}, std::int64_t{2}}, shape, path);
  }

  ValueId add_attention(ValueId x_BTC, const std::string& name, const std::string& path,
                        ValueId mask, const Tables& tables) {
    const auto [B, T, D] = std::tuple(batch_, length_, decoder_.head_size);
    const auto [H, K] = std::pair(decoder_.heads, decoder_.key_value_heads);
    const Shape scores_BHTT{B, H, T, T};
    const Shape grouped_BKRT{B, K, H / K * T, T};  // R = G·T rows: the group's heads are stacked
    const auto q_BTHD = turned_heads(x_BTC, name + ".q", H, tables.query, path + ".q");
    const auto k_BTKD = turned_heads(x_BTC, name + ".k", K, tables.key, path + ".k");
    const auto v_BTKD = heads(x_BTC, name + ".v_proj", K, path + ".v");
    const auto q_BKRD =
        reshape(swap_heads(q_BTHD, path + ".qk"), {B, K, H / K * T, D}, path + ".qk");
    const auto k_BKDT =
        add("aten::permute", {k_BTKD, Shape{0, 2, 3, 1}}, {B, K, D, T}, path + ".qk");
    const auto v_BKTD = swap_heads(v_BTKD, path + ".av");
    auto scores = add("aten::matmul", {q_BKRD, k_BKDT}, grouped_BKRT, path + ".qk");
    scores = reshape(scores, scores_BHTT, path + ".softmax");
    scores = add("aten::add.Tensor", {scores, mask}, scores_BHTT, path + ".softmax");
    scores = add("aten::softmax.int", {scores, std::int64_t{-1}}, scores_BHTT, path + ".softmax");
    const auto weights_BKRT = reshape(scores, grouped_BKRT, path + ".av");
    const auto y_BKRD =
        add("aten::matmul", {weights_BKRT, v_BKTD}, {B, K, H / K * T, D}, path + ".av");
    const auto y_BTHD = swap_heads(reshape(y_BKRD, {B, H, T, D}, path + ".o"), path + ".o");
    return linear(reshape(y_BTHD, {B, T, H * D}, path + ".o"), name + ".o_proj", decoder_.hidden,
                  decoder_.attention_output_bias, path + ".o");
  }

  ValueId add_feed_forward(ValueId x_BTC, const std::string& name, const std::string& path) {
    const Shape wide_BTF{batch_, length_, decoder_.intermediate};
    const bool bias = decoder_.feed_forward_bias;
    const auto gate =
        linear(x_BTC, name + ".gate_proj", decoder_.intermediate, bias, path + ".gate");
    const auto up = linear(x_BTC, name + ".up_proj", decoder_.intermediate, bias, path + ".up");
    const auto opened = add("aten::silu", {gate}, wide_BTF, path + ".silu");
    const auto product = add("aten::mul.Tensor", {opened, up}, wide_BTF, path + ".product");
    return linear(product, name + ".down_proj", decoder_.hidden, bias, path + ".down");
  }

  ValueId add_layer(ValueId x_BTC, std::int64_t layer, const Tables& tables) {
    const auto name = "model.layers." + std::to_string(layer);
    const auto path = "layers." + std::to_string(layer);
    const auto attention = path + ".attention";
    const auto feed_forward = path + ".mlp";
    const Shape shape = graph_.value(x_BTC).shape;
    const auto seen = norm(x_BTC, name + ".input_layernorm", attention + ".norm");
    const auto attended = add_attention(seen, name + ".self_attn", attention,
                                        tables.masks.at(window_of(layer)), tables);
    x_BTC = add("aten::add.Tensor", {x_BTC, attended}, shape, attention + ".residual");
    const auto normed = norm(x_BTC, name + ".post_attention_layernorm", feed_forward + ".norm");
    const auto fed = add_feed_forward(normed, name + ".mlp", feed_forward);
    return add("aten::add.Tensor", {x_BTC, fed}, shape, feed_forward + ".residual");
  }

  ValueId add_output(Output output, ValueId logits_BTV) {
    switch (output) {
      case Output::mean_loss:
        return add_loss(compared(logits_BTV));
      case Output::target_log_likelihoods:
        return add_log_likelihoods(compared(logits_BTV));
      case Output::class_scores:
        break;
    }
    return logits_BTV;
  }

  /// What outputs about targets are computed from, in rows of B·T: made once.
  struct Compared {
    ValueId scores;   ///< [B·T, V]
    ValueId targets;  ///< [B·T]
  };

  Compared compared(ValueId logits_BTV) {
    if (compared_) return *compared_;
    const auto labels = graph_.add_input("labels", graph::ElementType::index, {batch_, length_});
    const Shape flat{batch_ * length_, decoder_.vocabulary};
    // A mean over exponentials of 16-bit logits would lose the differences that scores are made of.
    const auto exact =
        add("gainsweep::at_least_fp32", {reshape(logits_BTV, flat, "loss")}, flat, "loss");
    const Shape rows{batch_ * length_};
    const auto targets =
        graph_.add_node("aten::reshape", {labels, rows}, rows, "loss", graph::ElementType::index);
    compared_ = {exact, targets};
    return *compared_;
  }

  ValueId add_loss(const Compared& rows) {
    return add("aten::cross_entropy_loss", {rows.scores, rows.targets}, {}, "loss");
  }

  ValueId add_log_likelihoods(const Compared& rows) {
    const std::string path = "log_likelihoods";
    const std::int64_t classes = 1;
    const Shape column{batch_ * length_, 1};
    const auto all =
        add("aten::log_softmax.int", {rows.scores, classes}, graph_.value(rows.scores).shape, path);
    const auto targets = graph_.add_node("aten::unsqueeze", {rows.targets, classes}, column, path,
                                         graph::ElementType::index);
    const auto of_targets = add("aten::gather", {all, classes, targets}, column, path);
    return reshape(of_targets, {batch_, length_}, path);
  }

  const Decoder& decoder_;
  std::int64_t batch_;
  std::int64_t length_;
  Graph graph_;
  std::optional<Compared> compared_;
};

}  // namespace

Graph build(const Decoder& decoder, const Workload& workload) {
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
  return Builder(decoder, workload).build(workload.outputs);
}

}  // namespace gainsweep::model
