#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "execute/program.hpp"
#include "format/format.hpp"
#include "graph/segments.hpp"

namespace gainsweep::execute {

/// One operand's numbers from one sample; vectors are indexed by low format.
struct OperandProbe {
  double sensitivity = 0;            ///< Σ (z·∂g/∂z)²
  std::vector<double> signed_error;  ///< Σ ∂g/∂z·(Q(z) − z)
  std::vector<double> square_error;  ///< Σ (∂g/∂z·(Q(z) − z))²
  std::vector<double> step_norm;  ///< integers: Σ_groups Δ² Σ_{z≠0} (∂g/∂z)²; 0 for floating
};

/// All probes of one sample.
struct ProbeRecord {
  double loss = 0;
  std::vector<std::vector<OperandProbe>> operands;  ///< [op][operand]
  std::int64_t targets = 0;                         ///< T: those of the sample that count
};

/// Runs a probed graph (lower::probe) forward and backward: one sample, one pass.
class Prober {
 public:
  /// `low_formats` are the formats to round to; `maxima` ([op][operand]) the largest magnitudes
  /// that static scales of activations, and scales that a weight's elements share, are taken from;
  /// empty where there are none of either. Weights' scales by channel are computed once, when an
  /// op's weight is first probed. `pieces` are the stretches of a pass
  /// (none: all at once); no number depends on them. Error(internal) when a static scale lacks its
  /// maximum.
  Prober(const graph::Graph& probed, std::vector<graph::Op> ops, Parameters& parameters,
         std::vector<format::Format> low_formats, std::vector<std::vector<float>> maxima,
         const std::vector<graph::Segment>& pieces = {});
  /// Of a graph of another length or loss with ops alike: shares what `other` found of weights.
  Prober(const Prober& other, const graph::Graph& probed, Parameters& parameters,
         const std::vector<graph::Segment>& pieces = {});
  Prober(Prober&&) noexcept;
  ~Prober();

  /// Error(input) naming the op path and operand when a gradient or the loss is not finite.
  ProbeRecord probe(const Inputs& inputs);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs an observed graph (lower::observe): the largest magnitude of each activation operand by
/// [op][operand], 0 for weights. Error(input) naming the op when one is not finite.
std::vector<std::vector<float>> observe(Program& observed, const Inputs& inputs,
                                        const std::vector<graph::Op>& ops);

}  // namespace gainsweep::execute
