#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "exported/loss.hpp"
#include "graph/graph.hpp"
#include "model/model.hpp"

namespace gainsweep::exported {

/// What samples give a model, by the names of its inputs: sizes of a row.
using RowShapes = std::map<std::string, graph::Shape>;

/// The model of a `.pt2` file for samples of these inputs: the batch is the rows of a sample,
/// `Workload::length`, times the samples of a run; other symbolic sizes have the samples'.
/// Error(input) naming the file for everything that open() and translate() refuse, for inputs that
/// samples lack, have in another shape, or that the model does not know, and for an output that the
/// loss is not of.
model::Model open_model(const std::filesystem::path& file, const Loss& loss,
                        const RowShapes& samples);

}  // namespace gainsweep::exported
