#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/kind.hpp"
#include "spec/spec.hpp"

namespace gainsweep::spec {

/// A spec with its formats still in the parts that the YAML has: names, and one set of properties
/// for each number format that has scales.
struct Parts {
  Spec spec;  ///< formats excepted
  std::string high;
  std::vector<std::string> low;
  /// All number formats with scales, as formats of both operands; defaults or as written.
  std::vector<format::Format> scaled;
  std::int64_t configuration_limit = 0;
};

/// Whether a format of `low` has a number format.
bool is_in_use(const Parts& parts, const std::string& number);

/// A spec of the kind `plan` while it is read, printed or described: the one place where its keys
/// are declared.
class PlanDraft final : public config::Draft {
 public:
  /// All defaults.
  PlanDraft();
  explicit PlanDraft(const Spec& spec);

  /// The spec of the parts; `high` and `low` must be names of formats.
  Spec assemble() const;

  config::Section common() override;
  config::Section own() override;
  void settle(const config::Written& written) override;
  void check(const config::Written& written, config::Problems& problems) const override;
  std::vector<std::string> rules() const override;

 private:
  Parts parts_;
};

}  // namespace gainsweep::spec
