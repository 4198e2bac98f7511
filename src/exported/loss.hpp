#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/table.hpp"
#include "graph/graph.hpp"

namespace gainsweep::exported {

/// Scores of classes at targets, [targets…, classes].
struct Scored {
  graph::ValueId scores;
  /// What the classes are compared with, where samples bring none: this is drawn from the model's
  /// own prediction.
  std::optional<graph::ValueId> targets{};
};

/// What the first output of an exported model is, and what it is compared with. Samples are rows of
/// a batch, R of them.
struct Loss {
  std::string name;
  bool has_labels = true;
  /// Whether a sample is a group of rows; else it is one.
  bool of_groups = false;
  /// Adds what makes class scores of the output. Error(input) where the output has another form.
  Scored (*score)(graph::Graph& graph, graph::ValueId output, std::int64_t rows) = nullptr;
};

/// * class: cross entropy of a label a row; the output has class scores, [R, C]
/// * tokens: mean cross entropy of the places of a row that have a label; [R, L, C]
/// * candidates: cross entropy of the right one among the candidates of a query, by 20 times the
///   cosine of embeddings, [R, D] (sentence-transformers' MultipleNegativesRankingLoss; E5 and
///   others are trained with other factors): a sample is a query and behind it its candidates
/// * divergence: of the model's own output, which is class scores, [R, …, C]; no labels. Its
///   gradient is 0 at the model itself, so scores are of classes drawn from the prediction: the
///   mean of the square of their gradients is the divergence's curvature (Fisher's identity).
const Table<Loss>& losses();

}  // namespace gainsweep::exported
