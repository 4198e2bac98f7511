#pragma once

#include <map>
#include <string>

#include "model/decoder_nodes.hpp"

namespace gainsweep::model {

/// Tables that turn pairs: [T, 1, D], to be broadcast over sequences and heads.
struct Rotation {
  graph::ValueId cos;
  /// Negated in the left half, where the right half of the rotated tensor comes to lie.
  graph::ValueId sin;
};

/// What the attention of all layers shares; computed from constants alone.
struct AttentionTables {
  Rotation query;  ///< times 1/√D: the scaling of the scores then costs nothing
  Rotation key;
  std::map<std::int64_t, graph::ValueId> masks;  ///< by window: [T, T], −∞ where a token is unseen
};

AttentionTables add_attention_tables(Nodes& nodes);

/// A layer's attention from what it sees, [B, T, C], to what is added beside it: grouped queries
/// are stacked along the rows. Parameters are `name`.q_proj and so on.
graph::ValueId add_attention(Nodes& nodes, graph::ValueId x_BTC, std::int64_t layer,
                             const std::string& name, const std::string& path,
                             const AttentionTables& tables);

}  // namespace gainsweep::model
