#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "base/table.hpp"
#include "solve/strategy.hpp"

/// What lowering one op alone is taken to change, however it is found.
namespace gainsweep::solve {

/// Scores with how far samples agree on them.
struct Scored {
  Scores scores;
  std::vector<Interaction> interactions{};  ///< none where scores add up
  /// Split-half reliability: Spearman's rank correlation between the scores of even and of odd
  /// samples; NaN where there is one sample or they do not differ, none where they do not come
  /// from samples of searches. With interactions the lower one of theirs and the scores'.
  std::optional<double> reliability{};
};

/// How an op's low formats are scored.
struct Score {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  /// The scores, or nothing while what they are made of is not known.
  std::function<std::optional<Scored>(const Numbers&, Asking&)> of;
  /// Plans that it measures: none, every op alone in each format, all pairs of these beside them.
  std::size_t (*measured)(const OpFormats& ops) = nullptr;
};

/// * first_order: the loss errors (arXiv 2505.13060), of a forward and a backward pass
/// * single_loss: what the op alone adds to the mean loss, at least 0 (after 2307.05657)
/// * pair_loss: the same, negative or not, with what each pair of ops adds beyond both where that
/// is
///   twice its standard error or more (after 2307.05657, which makes the matrix of all terms
///   positive semidefinite instead)
/// * single_kl: the mean divergence of predictions from all-high's with the op alone lowered
/// * sqnr: less the mean signal-to-noise ratio of class scores, dB (after 2302.05397)
const Table<Score>& scores();

/// Every op alone in each of its low formats, in order.
std::vector<Formats> singles(const OpFormats& ops);

/// Every two ops in each of their low formats, in order.
std::vector<Formats> pairs(const OpFormats& ops);

}  // namespace gainsweep::solve
