#include "pipeline/workbench.hpp"

namespace gainsweep::pipeline {

execute::Parameters& Weights::get() {
  if (!parameters_) parameters_.emplace(*subject_->model, *subject_->device, precision_);
  return *parameters_;
}

void Weights::release_unused() {
  if (parameters_) parameters_->release_unused();
}

Workbench::Workbench(std::shared_ptr<const Subject> about)
    : subject(about),
      formats(key::of_formats(about->spec.formats.formats)),
      partition(key::of_partition(about->layout.partition)),
      computing(pipeline::computing(*about)),
      workload(pipeline::workload(*about)),
      evaluation(evaluation_table, about->evaluation, about->spec.evaluate.chunk),
      search(search_table, about->search, about->spec.evaluate.chunk),
      scoring(about, about->spec.sensitivity.precision),
      timing(about, timed_precision(about->spec)),
      evaluating(about, execute::Precision::fp32),
      baseline(about) {}

}  // namespace gainsweep::pipeline
