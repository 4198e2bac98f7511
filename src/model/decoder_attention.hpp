#pragma once

#include <map>
#include <string>

#include "model/decoder_nodes.hpp"

namespace gainsweep::model {

/// Tables that turn pairs: [T, 1, rotated numbers of a head], to be broadcast over sequences and
/// heads.
struct Rotation {
  graph::ValueId cos;
  /// Negated in the left half, where the right half of the rotated tensor comes to lie.
  graph::ValueId sin;
};

/// The rotations of a layer. Where whole heads turn, that of queries is times the factor of scores,
/// which then costs nothing.
struct Rotations {
  Rotation query;
  Rotation key;
};

/// What the attention of all layers shares; computed from constants alone.
struct AttentionTables {
  std::optional<Rotations> rotations{};         ///< none where nothing turns
  std::optional<Rotations> window_rotations{};  ///< of layers with a window; none: those of all
  std::map<std::int64_t, graph::ValueId>
      masks{};  ///< by window: [T, T], −∞ where a token is unseen
};

AttentionTables add_attention_tables(Nodes& nodes);

/// The attention of layer number `layer` from what it sees, [B, T, C], to what is added beside it:
/// grouped queries are stacked along the rows. `name` is what the names of its parameters begin
/// with.
graph::ValueId add_attention(Nodes& nodes, graph::ValueId x_BTC, std::int64_t layer,
                             const std::string& name, const std::string& path,
                             const AttentionTables& tables);

}  // namespace gainsweep::model
