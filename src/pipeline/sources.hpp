#pragma once

#include "pipeline/shelf.hpp"

namespace gainsweep::pipeline {

/// Opens a point's model and what it is asked: samples of calibration, evaluation and search, and
/// tasks. `calibration.length` becomes the most rows of a calibration sample where the model is an
/// exported one. Error(config) or Error(input) for everything that is wrong with them, and where
/// samples of two uses are the same.
void open_sources(Subject& subject, Shelf::State& shelf, model::Weights weights);

}  // namespace gainsweep::pipeline
