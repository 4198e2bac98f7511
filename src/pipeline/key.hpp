#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "execute/device.hpp"
#include "format/format.hpp"
#include "graph/partition.hpp"
#include "lower/pass.hpp"

/// Keys of units, made of facts alone. How work is cut (ranks, memory, segments) is no fact and out
/// of reach here, so it is in no key. A stage that computes something else from the same facts
/// takes the next version in key.cpp, with a line in the changelog.
namespace gainsweep::pipeline::key {

/// What every computed number depends on beside its own inputs.
struct Computing {
  std::string model;            ///< digest
  std::string torch;            ///< version
  std::string instruction_set;  ///< of ATen and oneDNN
  std::string arithmetic;       ///< what the library of matrix products dispatches to
  std::string device;           ///< as the spec spells it
  std::int64_t threads = 0;
  execute::Identity identity{};  ///< the device's
};

/// A sample by its contents.
struct Sample {
  std::string tokens;           ///< digest of its inputs
  std::int64_t last_label = 0;  ///< all others are inputs too
  std::string mask{};           ///< digest of the marks of its targets; empty: all count
  std::int64_t scored = 0;      ///< last targets that are asked about; 0: their mean loss is
};

/// What is timed, and on what.
struct Workload {
  std::string machine;  ///< the device's own name
  std::string scope;
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t warmup = 0;
  std::int64_t blocks = 0;  ///< of a round
  std::int64_t seed = 0;
  std::string caches{};  ///< when a run begins; empty where they are as the run before leaves them
  std::string fused{};   ///< of_fused
};

/// A round of a contest. A contest that began on another machine of the same kind is begun anew:
/// the next attempt.
struct Round {
  std::int64_t attempt = 0;
  std::int64_t number = 0;
};

/// What a plan follows from beside the numbers of its objective.
struct PlanQuestion {
  std::string objective;
  std::string how;       ///< strategy, or "frontier"
  double threshold = 0;  ///< τ, or a budget; of no frontier
  std::string loss_model;
  std::int64_t seed = 0;
  std::int64_t draws = 0;
  std::string resource{};  ///< of a budget, of which the threshold is an amount; else empty
  std::string metric = "loss_error";  ///< that thresholds bound of plans that are measured
  std::int64_t verify = 0;
};

/// What plans on resamples follow from beside the numbers of their objective and the samples.
struct ResampleQuestion {
  std::string objective;
  std::string loss_model;
  std::vector<double> thresholds;
  std::int64_t first = 0;  ///< resample
  std::int64_t number = 0;
};

/// Digests of what several keys share.
std::string of_sample_set(std::span<const Sample> samples);
std::string of_formats(const std::vector<format::Format>& formats);
std::string of_maxima(const lower::Maxima& maxima);
/// Which ops stand in one sub-graph: lowered programs share quantised operands inside it.
std::string of_partition(const graph::Partition& partition);
/// Which ops are one matrix product; empty where none are.
std::string of_fused(const graph::Partition& partition);

std::string observe(const Computing& computing, const std::string& precision, const Sample& sample);

/// Largest magnitudes of the weights.
std::string weights(const Computing& computing);

/// `maxima` is of_maxima, or what stands for it while samples are not observed.
std::string score(const Computing& computing, const std::string& precision, const Sample& sample,
                  const std::string& formats, const std::string& maxima);

/// A sample in the high format and with every op in each low one.
std::string anchor(const Computing& computing, const std::string& precision,
                   const std::string& formats, const std::string& maxima, const Sample& sample);

/// Timings of the configurations of sub-graphs that are lowered together.
std::string timing(const Computing& computing, const Workload& workload, const std::string& formats,
                   const std::vector<std::string>& lowered,
                   const std::vector<graph::Configuration>& configurations, Round round);

/// `decision` stands for the gains and loss errors, `asked` are the keys of what the strategy asked
/// for beside them.
std::string plan(const std::string& decision, const PlanQuestion& question,
                 const std::vector<std::string>& asked = {});

/// Of an exact program on scores that a strategy brings; `scores` is their digest with the limit.
std::string scored_program(const std::string& decision, const std::string& objective,
                           const std::string& scores);

/// `samples` stands for the numbers of each sample and the seed of the resamples.
std::string resamples(const std::string& decision, const std::string& samples,
                      const ResampleQuestion& question);

/// `samples` is of_sample_set of the samples of the unit.
std::string losses(const Computing& computing, const std::string& precision,
                   const std::string& formats, const std::string& maxima,
                   const std::string& samples, const std::string& assignment);

/// The same at the next larger static scales.
std::string floor(const Computing& computing, const std::string& precision,
                  const std::string& formats, const std::string& maxima, const std::string& samples,
                  const std::string& assignment);

/// What an assignment says of some requests of a task; `requests` is of_sample_set of these.
std::string answers(const Computing& computing, const std::string& precision,
                    const std::string& formats, const std::string& maxima, const std::string& task,
                    const std::string& requests, const std::string& assignment);

/// Times of a whole plan against all-high; `partition` is of_partition.
std::string plan_times(const Computing& computing, const Workload& workload,
                       const std::string& formats, const std::string& partition,
                       const std::string& assignment, Round round);

}  // namespace gainsweep::pipeline::key
