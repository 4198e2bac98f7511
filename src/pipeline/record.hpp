#pragma once

#include <vector>

#include "archive/table.hpp"
#include "graph/partition.hpp"
#include "latency/record.hpp"
#include "lower/pass.hpp"
#include "pipeline/unit.hpp"
#include "sensitivity/record.hpp"
#include "solve/problem.hpp"

/// Each stage's result as a record of the archive, and back.
namespace gainsweep::pipeline {

archive::Record to_record(const Unit& unit, const lower::Maxima& maxima,
                          const std::vector<graph::Op>& ops);
lower::Maxima to_maxima(const archive::Record& record, const std::vector<graph::Op>& ops);

archive::Record to_record(const Unit& unit, const sensitivity::ScoreRecord& score,
                          const std::vector<graph::Op>& ops, std::size_t num_low_formats);
sensitivity::ScoreRecord to_score(const archive::Record& record, const std::vector<graph::Op>& ops,
                                  std::size_t num_low_formats);

/// One round of timings of a class, with the kernels its linear ops ran on.
struct TimingRound {
  latency::Timings timings;
  std::vector<std::string> kernels;  ///< "bf16 brg_matmul:…", "int8 …", each once
};
archive::Record to_record(const Unit& unit, const TimingRound& round);
latency::Timings to_timings(const archive::Record& record);

/// The plans of one objective, threshold and strategy: one for `ip` and `prefix`, one a draw for
/// `random`.
struct Plans {
  double threshold = 0;
  double budget = 0;  ///< on the summed loss errors
  std::vector<graph::Assignment> assignments;
  std::vector<std::int64_t> gains;
  std::vector<double> loss_errors;    ///< D = Σ d
  std::vector<double> predicted_mse;  ///< of the spec's loss model
  std::vector<std::string> assignment_keys;
  solve::Certificate certificate;  ///< of `ip`
  std::int64_t num_samples = 0;    ///< calibration samples the loss errors stand on
};
archive::Record to_record(const Unit& unit, const Plans& plans, const std::string& gain_units);
Plans to_plans(const archive::Record& record);

/// Losses of the evaluation samples under one assignment.
archive::Record to_record(const Unit& unit, const std::vector<double>& losses,
                          const std::string& assignment_key);

}  // namespace gainsweep::pipeline
