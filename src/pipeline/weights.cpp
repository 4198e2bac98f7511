#include "pipeline/weights.hpp"

namespace gainsweep::pipeline {

execute::Parameters& Weights::get() {
  if (!parameters_) parameters_.emplace(*subject_->model, *subject_->device, precision_);
  return *parameters_;
}

void Weights::release_unused(std::size_t most_bytes) {
  if (parameters_) parameters_->release_unused(most_bytes);
}

}  // namespace gainsweep::pipeline
