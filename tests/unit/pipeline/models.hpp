#pragma once

#include "pipeline/consultation.hpp"
#include "pipeline/decision.hpp"
#include "pipeline/layout.hpp"
#include "spec/spec.hpp"

/// Layouts and measurements that the tests of this folder share.
namespace gainsweep::pipeline::models {

/// A Llama of 2 layers with a tied head, cut by a partition spec; bf16, int8 and fp8_e4m3.
Layout llama(const graph::PartitionSpec& partition = {});

/// Three sub-graphs {a, b}, {c, d} with c and d tied, {e}; bf16 and int8 (2⁴ assignments).
Layout small();

/// A spec of all objectives but `time`, all strategies, and thresholds from nothing to everything.
spec::Spec spec(const Layout& layout);

/// Scores of 3 samples, different for each op, operand and format.
Measured scores(const Layout& layout, unsigned seed = 1);

/// Timings of every sub-graph in all configurations of its real formats, all divided by one member.
gain::Times times(const Layout& layout, double scale = 1);

/// A strategy's plans where exact programs are solved at once and no losses are measured.
Plans answer(const Layout& layout, const spec::Spec& spec, const Question& question,
             const Decision& decision);

}  // namespace gainsweep::pipeline::models
