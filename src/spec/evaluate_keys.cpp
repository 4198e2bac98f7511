#include "spec/evaluate_keys.hpp"

#include "solve/strategy.hpp"
#include "spec/choice.hpp"

namespace gainsweep::spec {
namespace {

using config::Flag, config::Integer, config::OptionalName, config::OptionalPath, config::Path,
    config::Paths, config::Section;

constexpr std::int64_t million = 1000000;

Integer count(std::int64_t& value, std::int64_t least = 1) {
  return {&value, least, million};
}

Section describe(TaskSpec& task) {
  return {{
      {"items", "HDF5 file of a task's items and requests", Path{&task.items}, "",
       "data/hellaswag.h5"},
      {"items_limit", "number of first items that are asked; 0 for all",
       count(task.items_limit, 0)},
      {"name", "what tables call the task; null for the file's own name of it",
       OptionalName{&task.name}},
  }};
}

}  // namespace

Section describe(EvaluateSpec& evaluate) {
  return {{
      {"samples", "number of sequences that plans are evaluated on", count(evaluate.samples)},
      {"tokens",
       "HDF5 file of the token ids; null for the sequences that follow the calibration ones",
       OptionalPath{&evaluate.tokens}},
      {"inputs",
       "HDF5 file of samples of an exported model; null for those that follow the calibration ones",
       OptionalPath{&evaluate.inputs}},
      {"chunk", "sequences of a unit, a divisor of their number; 0 for all of them",
       count(evaluate.chunk, 0)},
      {"strategies", "strategies whose plans are evaluated, if any",
       choice_list(evaluate.strategies, solve::strategies(), 0)},
      {"plans", "files of plans that somebody else made, which are evaluated beside the run's own",
       Paths{&evaluate.plans}},
      {"tasks",
       "files of requests, such as multiple choices, whose log-likelihoods are measured under the "
       "same plans",
       config::sections(evaluate.tasks, describe)},
      {"every", "step through the thresholds, 1 for all of them", count(evaluate.every)},
      {"precision",
       "arithmetic that plans and anchors are run in: fp32, or that of the high format, whose own "
       "rounding then adds to what plans change",
       choice(evaluate.precision)},
      {"time", "measure the time of plans whose formats the device really runs",
       Flag{&evaluate.time}},
  }};
}

}  // namespace gainsweep::spec
