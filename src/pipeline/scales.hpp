#pragma once

#include <optional>
#include <vector>

#include "archive/table.hpp"
#include "batch/unit.hpp"
#include "pipeline/workbench.hpp"

/// Scales of operands, as losses are evaluated with them.
namespace gainsweep::pipeline {

inline constexpr const char* weight_maxima_table = "weight_maxima";

/// Looks at the weights in the arithmetic of evaluations, fp32: the largest magnitude of each row
/// (output channel) of each weight. Its record is a table.
batch::Unit weights_unit(const Bench& bench);

/// The fields of that record, computed here and now.
batch::Fields look_at_weights(const Subject& subject);

/// Enters the largest magnitude of each weight into those of activations, empty ones where no
/// format has static scales.
void add_weights(lower::Maxima& maxima, const batch::Fields& weights,
                 const std::vector<graph::Op>& ops);

/// Largest magnitudes where a pass holds weights in a precision.
lower::Maxima in_precision(lower::Maxima maxima, const std::vector<graph::Op>& ops,
                           execute::Precision precision);

/// The record of such magnitudes by weight operand, in the order of ops and operands.
batch::Fields to_fields(const std::vector<std::vector<double>>& rows,
                        const std::vector<graph::Op>& ops);

/// The table `scales`; nothing while largest magnitudes are missing.
std::optional<archive::Table> scales_table(const Bench& bench, const batch::Results& results);

/// Scales by [operand][low format]: of an activation the static one, of a weight with a scale a
/// channel the largest, of blocks in two levels what their scales count in; 0 where a scale is made
/// as the program runs, where blocks have their own alone, and where an operand stays high.
std::vector<double> scales(const Layout& layout, const Observed& observed);

}  // namespace gainsweep::pipeline
