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
  /// Split-half reliability: Spearman's rank correlation between the scores of even and of odd
  /// samples; NaN where there is one sample or they do not differ, none where they do not come
  /// from samples of searches.
  std::optional<double> reliability{};
};

/// How an op's low formats are scored.
struct Score {
  std::string name;
  std::string help;  ///< a noun phrase without a full stop
  /// The scores, or nothing while what they are made of is not known.
  std::function<std::optional<Scored>(const Numbers&, Asking&)> of;
  bool measures_singles = false;  ///< whether it asks what each op does alone in each format
};

/// * first_order: the loss errors (arXiv 2505.13060), of a forward and a backward pass
/// * single_loss: what the op alone adds to the mean loss, at least 0 (after 2307.05657)
/// * single_kl: the mean divergence of predictions from all-high's with the op alone lowered
/// * sqnr: less the mean signal-to-noise ratio of class scores, dB (after 2302.05397)
const Table<Score>& scores();

/// Every op alone in each of its low formats, in order.
std::vector<Formats> singles(const OpFormats& ops);

}  // namespace gainsweep::solve
