#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "job/job.hpp"
#include "parallel/comm.hpp"

/// The commands behind `gainsweep`. Each returns its exit code and throws Error for the rest.
namespace gainsweep::cli {

/// A spec as the command line names it.
struct SpecChoice {
  std::filesystem::path path;         ///< a file or stream
  std::vector<std::string> settings;  ///< of --set
};

/// `run SPEC --out DIR`: everything a spec asks for, into `DIR/archive.h5`. Collective.
struct RunOptions {
  SpecChoice spec;
  job::Options job;
  std::optional<std::filesystem::path> donor;  ///< archive whose units need not be done again
  bool replaces = false;  ///< the archive of another spec in the folder is not kept
};
int run(const parallel::Comm& comm, const RunOptions& options);

/// `check SPEC`: reads the spec and opens its inputs; prints what it found.
int check(const SpecChoice& spec);

/// `show`: the resolved spec, the schema or reference of specs, or one of the spec's graphs.
struct ShowOptions {
  SpecChoice spec;
  std::optional<std::size_t> point;  ///< of a sweep; default all, for graphs the only one
  bool schema = false;
  bool reference = false;
  std::optional<std::string> graph;   ///< model, observed, probed, fake_quantized, lowered
  std::optional<std::string> format;  ///< of all ops in the last two; default the first low one
  std::optional<std::filesystem::path> dot;  ///< "-" for standard output
};
int show(const ShowOptions& options);

/// `plan SPEC`: units, time and memory before any work.
struct PlanOptions {
  SpecChoice spec;
  int ranks = 1;  ///< on one machine
  bool json = false;
  bool on_device = false;  ///< asks the spec's device for times; a CPU is always asked
};
int plan(const PlanOptions& options);

/// `solve ARCHIVE SPEC --out ARCHIVE`: new thresholds, objectives and strategies without the model.
/// Each point of the spec stands on the archive's point that measured what it asks for.
int solve(const std::filesystem::path& archive, const SpecChoice& spec,
          const std::filesystem::path& output);

/// `status DIR`: how far a run is.
struct StatusOptions {
  std::filesystem::path folder;
  bool json = false;
  bool follow = false;  ///< again every two seconds until the run is over
};
int status(const StatusOptions& options);

/// `check-device DEVICE`: whether a device does what numbers and times rest on. 0, 3 where a check
/// failed, 2 where the device is not here.
struct CheckDeviceOptions {
  std::string device = "cpu";
  std::optional<std::filesystem::path> plugin{};  ///< of an hpu
  std::optional<std::string> mode{};              ///< likewise
};
int check_device(const CheckDeviceOptions& options);

/// `diff A B`: whether two archives' deterministic contents are bit-identical; 0 or 1.
int diff(const std::filesystem::path& a, const std::filesystem::path& b, bool measured);

}  // namespace gainsweep::cli
