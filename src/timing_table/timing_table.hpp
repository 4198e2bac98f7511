#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// Times that were taken, modelled or estimated somewhere else: a YAML header with a CSV file of
/// rows.
namespace gainsweep::timing_table {

/// A configuration of a sub-graph that is told by its structure.
struct Row {
  std::string subgraph;              ///< structure
  std::vector<std::string> formats;  ///< of its ops
  double seconds = 0;                ///< median of what was timed
  double saved = 0;                  ///< part of an all-high run that one such sub-graph saves
  double saved_low = 0;              ///< its interval
  double saved_high = 0;
  std::int64_t samples = 0;  ///< behind these
};

/// A whole table.
struct TimingTable {
  std::string device;       ///< that the times are of
  std::string source;       ///< measured, modelled or estimated
  std::int64_t batch = 1;   ///< of the workload
  std::int64_t length = 0;  ///< tokens
  std::string high;         ///< format of what is not lowered
  double all_high_seconds = 0;
  std::vector<Row> rows;
  std::string digest;  ///< of the rows
};

/// Reads header and rows strictly: Error(config) with all that is wrong with the header, or with
/// the rows, by line; Error(input) for rows that cannot be read. Each structure has its all-high
/// row (which saves nothing), no configuration stands there twice, and the rows are those that the
/// header gives the digest of.
TimingTable read(const std::filesystem::path& path);

}  // namespace gainsweep::timing_table
