#include "pipeline/workbench.hpp"

namespace gainsweep::pipeline {

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
      evaluating(about, evaluation_precision(about->spec)),
      relay(about, evaluating) {}

}  // namespace gainsweep::pipeline
