#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "archive/parts.hpp"
#include "archive/states.hpp"
#include "batch/results.hpp"
#include "batch/unit.hpp"
#include "disk/lock.hpp"
#include "parallel/comm.hpp"

namespace gainsweep::job {

/// The table of units that ended a job: an error of the environment came while they ran.
inline constexpr const char* ended_units = "ended";

/// The finished units of a run: those of the folder's parts, this process's own and, after an
/// exchange, everybody's. A second thread may rescue what is buffered at any moment.
class Store {
 public:
  /// Reads all parts of a locked folder. Damaged ones are named in the log by the root; their units
  /// are missing. With `retry_failed` the failures of earlier runs are missing too.
  Store(const parallel::Comm& comm, std::filesystem::path folder, bool retry_failed);
  /// Writes what is buffered if the disk lets it: an error that ends the run loses no unit.
  ~Store();

  const batch::Results& results() const { return results_; }
  /// Stores a unit's record; parts are written when they are due.
  void add(archive::Record record);
  /// Takes over a record that another rank stores.
  void accept(archive::Record record);
  /// As if a unit had never been done.
  void forget(const std::string& key) { results_.forget(key); }
  /// Collective. Writes what is buffered, and takes over what other ranks wrote since.
  void exchange();

  /// States of chains, on disk at once.
  void keep_state(const std::string& key, const batch::Fields& state);
  batch::Fields state(const std::string& key);
  bool has_state(const std::string& key) const { return states_.has(key); }
  void drop_state(const std::string& key);

  /// Whether a unit ended a job of this folder before; noted with `note_end`, at once.
  bool ended_before(const std::string& key) const { return ended_.count(key) > 0; }
  void note_end(const batch::Ticket& unit, const std::string& stage, const std::string& reason);
  /// Error(environment) when the folder was moved or removed since. To be called before any file of
  /// the run is replaced; parts are checked already.
  void check_folder() const { witness_.check(); }

  /// For another thread: writes what is buffered, and this record too, at once. Error(environment).
  void rescue(std::optional<archive::Record> record);

 private:
  std::string announcement();

  const parallel::Comm& comm_;
  std::filesystem::path folder_;
  disk::FolderWitness witness_;
  batch::Results results_;
  std::set<std::string> ended_;
  std::mutex writing_;  // of parts_, and of HDF5, which serves one thread at a time
  archive::PartWriter parts_;
  archive::States states_;
  std::size_t announced_ = 0;  // parts that the others know of
};

/// Units of another archive by key, for `run --from`; failures are left out.
batch::Results read_donor(const std::filesystem::path& archive);

}  // namespace gainsweep::job
