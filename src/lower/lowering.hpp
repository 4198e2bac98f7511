#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lower/pass.hpp"
#include "lower/rewrite.hpp"
#include "lower/target.hpp"

namespace gainsweep::lower {

/// A quantised value: its codes and their scale (fp32, one element).
struct Codes {
  graph::ValueId values{};
  graph::ValueId scale{};
};

/// What a target writes into while `lower` walks a graph.
class Lowering {
 public:
  /// Writes the codes of an operand: at a static scale, or at the operand's own where it gets none.
  using WriteCodes = std::function<Codes(std::optional<graph::ValueId> scale)>;

  /// `high` is the program's own precision. Refers to its arguments.
  Lowering(const graph::Graph& graph, const graph::Partition& partition, const Maxima& maxima,
           const format::Format& high);

  Rewrite& rewrite() { return rewrite_; }
  const format::Format& high() const { return high_; }

  bool are_of_one_subgraph(OpId a, OpId b) const {
    return subgraph_of_[a.index] == subgraph_of_[b.index];
  }

  /// An activation operand in a number format. Ops of one sub-graph that read the same value at the
  /// same scale share what `write` made for the first, if they take the same `encoding` where the
  /// target knows several; ops of different sub-graphs never do, because gains are added over
  /// sub-graphs. Error(internal) when a static scale lacks its maximum.
  Codes quantized(const OpSite& site, std::size_t operand, const format::NumberFormat& number,
                  const WriteCodes& write, std::int64_t encoding = 0);

 private:
  /// Sub-graph, value, format, encoding, static scale.
  using Shared =
      std::tuple<std::size_t, std::size_t, std::string, std::int64_t, std::optional<double>>;

  Rewrite rewrite_;
  const Maxima& maxima_;
  const format::Format& high_;
  std::vector<std::size_t> subgraph_of_;  ///< by OpId
  std::map<Shared, Codes> codes_;
};

}  // namespace gainsweep::lower
