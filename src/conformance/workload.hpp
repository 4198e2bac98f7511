#pragma once

#include <cstdint>
#include <vector>

#include "execute/program.hpp"
#include "format/format.hpp"
#include "lower/pass.hpp"

/// Small programs with made-up numbers, the same on every machine. Private to this folder.
namespace gainsweep::conformance {

/// A graph without parameters, and what it reads.
struct Workload {
  graph::Graph graph;
  model::Sample sample;
};

/// A Llama of one block: embedding, norms, grouped attention with rotated positions, gated
/// feed-forward, head. Gives its logits, or its mean loss.
Workload llama(model::Output output);

/// x Wᵀ, and x yᵀ of two activations.
Workload linear_layer();
Workload product();

/// xⁿ of a matrix of `size` rows and columns, and the mean of it: work that grows with their cube
/// and returns a number.
Workload powers(std::int64_t size);

/// The first output of a graph on a device, run once.
std::vector<double> run(const graph::Graph& graph, const model::Sample& sample,
                        const execute::Device& device, execute::Precision precision);

/// What programs of graphs without parameters are made from.
execute::Parameters no_parameters(const execute::Device& device, execute::Precision precision);

/// Largest magnitudes of a workload's operands, which static scales come from; on the CPU.
lower::Maxima maxima(const Workload& workload);

/// How far numbers are from others, as parts of the largest of these. Infinite where a number is
/// not finite.
struct Distance {
  double largest = 0;
  double mean = 0;
};
Distance distance(const std::vector<double>& got, const std::vector<double>& expected);

}  // namespace gainsweep::conformance
