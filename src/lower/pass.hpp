#pragma once

#include <string>
#include <vector>

#include "format/format.hpp"
#include "graph/partition.hpp"
#include "lower/target.hpp"

/// Pure passes graph → graph. They change what an op computes, never how the graph is walked.
namespace gainsweep::lower {

/// Largest magnitude of each operand by [op][operand]: of activations over the samples that static
/// scales are taken from (0 where no format has any), of weights over all their elements.
using Maxima = std::vector<std::vector<float>>;

/// The probed graph with `gainsweep::observe(z, op, operand)` before each op, once an activation
/// operand: maxima are those of the pass that is scored, bit by bit.
graph::Graph observe(const graph::Graph& graph, const std::vector<graph::Op>& ops);

/// Elements of a weight that are looked at together.
inline constexpr std::int64_t weight_block = std::int64_t{1} << 25;

/// A graph without inputs: output by output the largest magnitude of each row (output channel) of
/// each weight operand, in the order of ops. A weight of more than `block_elements` has its rows in
/// several outputs, which are looked at one after the other.
graph::Graph weight_maxima(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                           std::int64_t block_elements = weight_block);

/// The graph with each op replaced by its probed form: `gainsweep::probed_linear(x, w, b, op)`,
/// `gainsweep::probed_matmul(a, b, op)`, `gainsweep::probed_convolution(…, op)`. The two products
/// of an attention under a mask of constants are one `gainsweep::probed_attention(q, k, v, mask,
/// qk, av, cap)`, which leaves out what the mask hides.
graph::Graph probe(const graph::Graph& graph, const std::vector<graph::Op>& ops);

/// The numerics of an assignment in the program's own precision: operands of lowered ops go through
/// `gainsweep::fake_quantize(z, format, scale)` (a static scale, or that of a weight whose elements
/// share one: an fp32 constant), `gainsweep::fake_quantize_dynamic(z, format, backoff, scale_grid)`
/// or `gainsweep::fake_quantize_weight(w, format, backoff, scale_grid, range)` (a scale a channel),
/// or `gainsweep::fake_quantize_blocks(z, format, dim, restart, scale_grid, global)`. `formats` is
/// indexed by FormatId; `maxima` may be empty when no such constant is needed. Attentions whose two
/// products both stay high are one `gainsweep::attention(q, k, v, mask, cap)`.
graph::Graph fake_quantize(const graph::Graph& graph, const std::vector<graph::Op>& ops,
                           const graph::Assignment& assignment,
                           const std::vector<format::Format>& formats, const Maxima& maxima);

/// A fake-quantised graph whose static scales of activations are the next larger fp32 numbers: the
/// same plan, whose rounding decides otherwise wherever a number lies at a boundary. What its
/// losses differ by is arithmetic (this project). `formats` are those of the plan.
graph::Graph next_scales(const graph::Graph& graph, const std::vector<format::Format>& formats);

/// The program that a target runs for an assignment, each fused group as one op (fuse).
/// Error(config) for a format that the target does not really run.
graph::Graph lower(const graph::Graph& graph, const graph::Partition& partition,
                   const graph::Assignment& assignment, const std::vector<format::Format>& formats,
                   const Maxima& maxima, const Target& target);

}  // namespace gainsweep::lower
