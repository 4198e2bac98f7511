#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "format/format.hpp"
#include "graph/partition.hpp"

/// The experiment's description and its strict YAML reader (design §7).
namespace gainsweep::config {

/// `model:`
struct ModelSpec {
  std::filesystem::path checkpoint;  ///< Hugging Face folder
};

/// `calibration:`
struct CalibrationSpec {
  std::filesystem::path tokens;  ///< HDF5 file with a `tokens` dataset
  std::int64_t samples = 64;
  std::int64_t length = 256;       ///< T: predicted tokens of a sample
  std::int64_t scale_samples = 8;  ///< first samples that static activation scales are taken from
};

/// `formats:`; formats[0] is the high one, the low ones follow in the spec's order.
struct FormatSpec {
  std::vector<format::Format> formats;
};

enum class Noise { empirical, paper, log_uniform };
enum class Precision { fp32, bf16, fp64 };

/// `sensitivity:`
struct SensitivitySpec {
  Precision precision = Precision::fp32;
  std::vector<Noise> noise{Noise::paper, Noise::log_uniform, Noise::empirical};
};

enum class Device { cpu, cuda, hpu };
enum class LatencyScope {
  model,     ///< the whole forward pass with one class of sub-graphs lowered
  subgraph,  ///< a sub-graph alone on captured inputs
};

/// `latency:`
struct LatencySpec {
  Device device = Device::cpu;
  LatencyScope scope = LatencyScope::model;
  std::int64_t batch = 1;
  std::int64_t length = 256;      ///< tokens of one run
  std::int64_t warmup = 5;        ///< least runs before timing
  std::int64_t repetitions = 40;  ///< most blocks of a unit
  std::int64_t least_repetitions = 10;
  double precision = 0.02;  ///< stop when every interval is narrower than this part of the baseline
  double confidence = 0.95;
  double budget_seconds = 60;  ///< most seconds of one unit
  bool each_member = false;    ///< time every sub-graph instead of one per structural class
};

enum class LossModel { first_order, bias };
enum class Objective { time, macs, memory };
enum class Strategy { ip, prefix, random };

/// `solve:`
struct SolveSpec {
  LossModel loss_model = LossModel::bias;
  Noise noise = Noise::empirical;
  std::vector<Objective> objectives;
  std::vector<double> thresholds;  ///< τ, rising; a list, or {geometric: {from, to, count}}
  std::vector<Strategy> strategies;
  std::int64_t draws = 100;  ///< of `random`
  bool frontier = true;      ///< the whole frontier of each objective
};

/// `evaluate:`
struct EvaluateSpec {
  std::int64_t samples = 32;
  std::optional<std::filesystem::path> tokens;  ///< default: the windows after the calibration ones
  std::vector<Strategy> strategies{Strategy::ip};
  std::int64_t every = 1;  ///< every n-th threshold
  bool time = true;        ///< measure the plans' time where the device really runs their formats
};

/// `target:`
struct TargetSpec {
  std::map<std::string, double>
      mac_rates;  ///< relative MAC rate by format name; default 1 high, 2 for 8 bit
};

/// A whole experiment. Relative paths are relative to the working directory of the run.
struct Spec {
  std::int64_t schema = 1;
  std::string name;
  ModelSpec model;
  CalibrationSpec calibration;
  FormatSpec formats;
  graph::PartitionSpec partition;
  SensitivitySpec sensitivity;
  LatencySpec latency;
  TargetSpec target;
  SolveSpec solve;
  EvaluateSpec evaluate;
  std::int64_t threads = 1;
  std::int64_t seed = 0;
};

/// Values of swept leaves by dotted path, in the order of the sweep: YAML on one line, with what
/// the spec leaves out filled in.
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// One spec of a sweep.
struct Point {
  Parameters parameters;  ///< none without a sweep
  Spec spec;
};

/// YAML spelling of an enumerator, and back (Error(config) with a hint for an unknown spelling).
template <class Enum>
const char* spelling(Enum value);
template <class Enum>
Enum enumerator(const std::string& text);
/// All enumerators in declaration order.
template <class Enum>
std::vector<Enum> enumerators();

/// MAC rate of a format under a spec: its own or the default for its bits.
double mac_rate(const Spec& spec, const format::Format& format);

}  // namespace gainsweep::config
