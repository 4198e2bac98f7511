#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "archive/table.hpp"

namespace gainsweep::archive {

/// Where the states of a run's units lie.
std::filesystem::path states_folder(const std::filesystem::path& folder);

/// What finished units left for the next of their chains: closed files
/// `<folder>/states/<unit key>-<sha256>.h5`. For one thread at a time.
class States {
 public:
  explicit States(std::filesystem::path folder);

  /// Writes the state of a unit at once, in place of an earlier one of its. Error(environment) when
  /// the disk refuses.
  void keep(const std::string& key, const std::vector<Field>& state);
  /// Whether the unit's state is there; looks at the disk.
  bool has(const std::string& key) const;
  /// The state of a unit. Error(environment) naming the file when it is damaged, or saying that
  /// there is none.
  std::vector<Field> read(const std::string& key) const;
  /// Removes the state of a unit, if there is one.
  void drop(const std::string& key);

 private:
  std::vector<std::filesystem::path> files(const std::string& key) const;

  std::filesystem::path folder_;
};

}  // namespace gainsweep::archive
