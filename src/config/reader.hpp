#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "config/document.hpp"
#include "config/key.hpp"
#include "config/problems.hpp"

namespace gainsweep::config {

/// The line of every key that a spec writes, by its path.
using Lines = std::map<std::string, int>;

/// A key of specs of earlier versions.
struct Moved {
  std::string from;
  std::string to;   ///< where it stands now; empty: nowhere
  std::string why;  ///< in a few words
};

/// The complaint about the key at `path` if it is one that moved.
std::optional<std::string> complaint(const std::vector<Moved>& moved, const std::string& path);

/// Fills the values of a description from a document, strictly: whatever does not fit is reported
/// and leaves its value as it was.
class Reader {
 public:
  /// `root` is the whole description, for hints about keys that stand in the wrong section;
  /// `folder` is the one of the source, `further` are keys beside those of the root that somebody
  /// else reads.
  Reader(const Section& root, const std::vector<Moved>& moved, Problems& problems,
         std::filesystem::path folder = {}, std::vector<std::string> further = {})
      : root_(root),
        moved_(moved),
        problems_(problems),
        folder_(std::move(folder)),
        further_(std::move(further)) {}

  /// Reads the mapping of a section whose own key stands on `line`.
  void read(const Section& section, const Node& mapping, const std::string& path, int line);

  const Lines& lines() const { return lines_; }

 private:
  /// A value at the place where it is written.
  struct Place {
    const Key& key;
    const Node& node;
    std::string path;
    int line;  ///< of the key
  };

  void read(const Place& place);
  void report_unknown(const Section& section, const Entry& entry, const std::string& path);
  void report_missing(const std::string& path, const Key& key, int line);

  void read_value(const Integer& integer, const Place& place);
  void read_value(const Real& real, const Place& place);
  void read_value(const Flag& flag, const Place& place);
  void read_value(const Name& name, const Place& place);
  void read_value(const OptionalName& name, const Place& place);
  void read_value(const Path& path, const Place& place);
  void read_value(const OptionalPath& path, const Place& place);
  void read_value(const Paths& paths, const Place& place);
  void read_value(const Choice& choice, const Place& place);
  void read_value(const ChoiceList& list, const Place& place);
  void read_value(const Patterns& patterns, const Place& place);
  void read_value(const OptionalPatterns& patterns, const Place& place);
  void read_value(const PatternGroups& groups, const Place& place);
  void read_value(const Grid& grid, const Place& place);
  void read_value(const NamedNumbers& numbers, const Place& place);
  void read_value(const NamedGrids& grids, const Place& place);
  void read_value(const Backoff& backoff, const Place& place);
  void read_value(const Section& section, const Place& place);
  void read_value(const Sections& sections, const Place& place);

  std::optional<double> read_real(const Real& bounds, const Place& place);
  std::optional<std::string> read_text(const Place& place);
  std::optional<std::string> read_name(const Place& place);
  std::optional<std::filesystem::path> read_path(const Place& place);
  std::optional<std::string> read_choice(const std::vector<std::string>& names, const Place& place);
  std::vector<std::string> read_texts(const Place& place);
  void read_progression(const Grid& grid, const Place& place);
  bool is_mapping(const Place& place);
  bool is_list(const Place& place);
  bool is_plain_scalar(const Place& place);

  /// Reports "what (help of the key). Write what is wanted."
  void complain(const Place& place, const std::string& what);
  void complain(const Place& place, const std::string& what, const Value& instead);

  const Section& root_;
  const std::vector<Moved>& moved_;
  Problems& problems_;
  std::filesystem::path folder_;
  std::vector<std::string> further_;
  Lines lines_;
};

/// What a node is, for messages: its text, or "a list", "a mapping", "nothing".
std::string shown(const Node& node);

}  // namespace gainsweep::config
