#pragma once

#include <cstdint>
#include <memory>

#include "archive/samples.hpp"
#include "exported/exported_model.hpp"
#include "pipeline/samples.hpp"

namespace gainsweep::pipeline {

/// Sizes of rows, by input.
exported::RowShapes row_shapes(const archive::SampleRows& rows);

/// Samples [first, first + count) of a file for an exported model: their rows as inputs, labels as
/// targets, of which those that are there count; or, where the loss has none, a draw for each
/// target that follows from the sample's inputs. The rows are kept for when they are loaded.
/// Error(input) where there are too few samples, labels are missing, too many, of another shape or
/// beyond the model's classes, no target of a sample counts, or a loss is of groups and the file
/// has none (or the other way round).
Samples gather(const std::shared_ptr<const archive::SampleRows>& rows, const exported::Loss& loss,
               const model::Model& model, std::int64_t first, std::int64_t count);

}  // namespace gainsweep::pipeline
