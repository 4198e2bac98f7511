#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/words.hpp"
#include "config/read.hpp"
#include "execute/precision.hpp"
#include "format/format.hpp"
#include "gain/counting.hpp"
#include "graph/partition.hpp"
#include "latency/scope.hpp"
#include "latency/stopping_rule.hpp"
#include "spec/basics.hpp"

/// What experiments are described by.
namespace gainsweep::spec {

/// `model:`
struct ModelSpec {
  std::optional<std::filesystem::path> checkpoint;  ///< Hugging Face folder
  std::optional<std::filesystem::path> exported;    ///< `.pt2` file; one of the two is there
  std::string loss = "class";                       ///< row of exported::losses(), of `exported`
};

/// `calibration:`
struct CalibrationSpec {
  std::optional<std::filesystem::path> tokens;  ///< HDF5 file with a `tokens` dataset
  std::optional<std::filesystem::path> inputs;  ///< sample file, of exported models
  std::int64_t samples = 64;
  std::int64_t length = 256;       ///< most predicted tokens of a sample; most rows of one
  std::int64_t scale_samples = 8;  ///< first samples that static activation scales are taken from
};

/// `formats:`; formats[0] is the high one, the low ones follow in the spec's order.
struct FormatSpec {
  std::vector<format::Format> formats;
};

/// `sensitivity:`
struct SensitivitySpec {
  execute::Precision precision = execute::Precision::bf16;  ///< default: that of the high format
  std::int64_t anchor_samples = 16;  ///< first calibration samples that anchors are measured on
};

/// `latency:`
struct LatencySpec {
  std::string source = "measured";  ///< a row of latency::sources()
  /// File that times which are not measured come from.
  std::optional<std::filesystem::path> description;
  latency::Scope scope = latency::Scope::model;
  std::int64_t batch = 1;
  std::int64_t length = 256;  ///< tokens of one run
  latency::StoppingRule rule;
  bool each_member = false;  ///< time every sub-graph instead of one per structural class
};

/// Resamples of a unit.
inline constexpr std::int64_t resample_block = 10;

/// `solve:`
struct SolveSpec {
  std::string loss_model = "anchored";          ///< row of sensitivity::loss_models
  std::string noise = "empirical";              ///< row of sensitivity::noises
  gain::Counting gain = gain::Counting::lower;  ///< what measured savings count
  std::vector<std::string> objectives;          ///< rows of gain::objectives
  std::map<std::string, double> constraints;    ///< largest amounts by row of gain::resources
  /// Amounts by row of gain::resources, rising, within which the least loss error is looked for.
  std::map<std::string, std::vector<double>> budgets;
  std::int64_t context = 256;           ///< tokens of a sequence whose keys and values a card holds
  std::int64_t sequences = 1;           ///< such sequences
  std::vector<double> thresholds;       ///< τ, rising; a list, or {geometric: {from, to, count}}
  std::vector<std::string> strategies;  ///< rows of solve::strategies
  std::int64_t seed = 0;                ///< of `random`; the spec's seed where it is left out
  std::int64_t draws = 100;             ///< of `random`
  bool frontier = true;                 ///< the whole frontier of each objective
  std::int64_t resamples = 0;       ///< of the calibration samples, that `ip` is solved on again
  std::int64_t search_samples = 0;  ///< that strategies measure plans on while they search
  std::string search_metric = "loss_error";  ///< row of sensitivity::metrics
  std::int64_t search_verify = 0;            ///< plans beyond the one found that are measured, too
};

/// The arithmetic that plans are evaluated in.
enum class Arithmetic {
  fp32,
  high,  ///< of the high format
};

constexpr auto words(Arithmetic) {
  return std::to_array<Word<Arithmetic>>({{Arithmetic::fp32, "fp32"}, {Arithmetic::high, "high"}});
}

/// A task of `evaluate.tasks:`
struct TaskSpec {
  std::filesystem::path items;      ///< file of its requests
  std::int64_t items_limit = 0;     ///< first items; 0: all
  std::optional<std::string> name;  ///< default: as the file calls the task
};

/// `evaluate:`
struct EvaluateSpec {
  std::int64_t samples = 32;
  std::optional<std::filesystem::path> tokens;  ///< default: the windows after the calibration ones
  std::optional<std::filesystem::path> inputs;  ///< default: the samples after the calibration ones
  std::int64_t chunk = 0;                       ///< samples of a unit; 0 for all of them
  std::vector<std::string> strategies{"ip"};
  std::vector<std::filesystem::path> plans;  ///< files of plans that others made
  std::vector<TaskSpec> tasks;
  std::int64_t every = 1;                   ///< every n-th threshold
  Arithmetic precision = Arithmetic::fp32;  ///< of anchors too
  bool time = true;  ///< measure the plans' time where the device really runs their formats
};

/// `target:`
struct TargetSpec {
  std::map<std::string, double>
      mac_rates;  ///< relative MAC rate by format name, where it is not the default
};

/// A whole experiment of the kind `plan`. Relative paths are relative to the working directory of
/// the run.
struct Spec : Basics {
  ModelSpec model;
  CalibrationSpec calibration;
  FormatSpec formats;
  graph::PartitionSpec partition;
  SensitivitySpec sensitivity;
  LatencySpec latency;
  TargetSpec target;
  SolveSpec solve;
  EvaluateSpec evaluate;
};

using config::Parameters;

/// One spec of a sweep.
struct Point {
  Parameters parameters;  ///< none without a sweep
  Spec spec;
};

/// The folder or file of the model.
const std::filesystem::path& file_of(const ModelSpec& model);

/// Whether the loss is a distance from the model itself, whose gradient there is 0.
bool has_no_first_order(const ModelSpec& model);

/// Whether times are measured where they are asked for.
bool measures(const LatencySpec& latency);

/// MAC rate of a format under a spec: its own, else what the device publishes of it (0: nothing),
/// else the high format's bits over those of the wider operand.
double mac_rate(const Spec& spec, const format::Format& format, double published = 0);

}  // namespace gainsweep::spec
