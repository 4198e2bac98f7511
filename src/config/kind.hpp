#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "config/key.hpp"
#include "config/problems.hpp"
#include "config/reader.hpp"

/// The strict reader of specs. It knows no experiment: whoever has one describes its keys once, and
/// reading, printing, sweeping, the JSON Schema and the reference follow from that.
namespace gainsweep::config {

/// The layout of specs that is read.
inline constexpr std::int64_t schema_version = 2;

/// What a spec's file says beyond its values.
struct Written {
  Lines lines;
  std::set<std::string> swept;  ///< paths of leaves
};

/// A spec of some kind while it is read, printed or described.
class Draft {
 public:
  virtual ~Draft() = default;
  /// The keys that all kinds have, bound to this draft.
  virtual Section common() = 0;
  /// The keys of this kind alone, bound to this draft.
  virtual Section own() = 0;
  /// Fits the defaults of keys that are not written to those that are.
  virtual void settle(const Written& /*written*/) {}
  /// Reports what is wrong between keys that are sound one by one.
  virtual void check(const Written& written, Problems& problems) const = 0;
  /// The rules that `check` holds specs to, as sentences for the reference.
  virtual std::vector<std::string> rules() const = 0;
};

/// A kind of experiment.
struct Kind {
  std::string name;                                    ///< `experiment: NAME`
  std::string help;                                    ///< a noun phrase without a full stop
  std::function<std::unique_ptr<Draft>()> make_draft;  ///< with all defaults
  std::vector<Moved> moved{};
  std::string sweep_example{};  ///< lines of YAML for the reference
};

/// The kinds that specs may be of; the first is the default.
using Kinds = std::vector<Kind>;

/// What every spec starts with.
struct Heading {
  std::int64_t schema = schema_version;
  std::string experiment;
};
Section describe(Heading& heading, const Kinds& kinds);

/// All keys of a spec, bound to heading and draft, which must outlive them.
Section describe(Heading& heading, Draft& draft, const Kinds& kinds);

}  // namespace gainsweep::config
