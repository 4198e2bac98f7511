#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "execute/device.hpp"

/// What a device must do before its numbers and times are worth anything, tried out: the first
/// thing to run where there is a card.
namespace gainsweep::conformance {

enum class Verdict {
  passed,
  failed,
  untried,  ///< not to be tried here, for a reason
};

constexpr auto words(Verdict) {
  return std::to_array<Word<Verdict>>(
      {{Verdict::passed, "passed"}, {Verdict::failed, "FAILED"}, {Verdict::untried, "not tried"}});
}

struct Finding {
  Verdict verdict = Verdict::passed;
  std::string detail{};  ///< numbers, names, or why
};

struct Check {
  std::string name;
  /// Of a device that was taken. What it throws is a failure.
  std::function<Finding(const execute::Device& device)> run;
};

/// All of them, in the order in which a failure explains those behind it: one for each low format
/// among them.
std::vector<Check> checks();

/// What came of a check.
struct Result {
  std::string check;
  Finding finding;
};

/// Runs all checks on a device that was taken, and tells of each when it is over.
std::vector<Result> run(const execute::Device& device,
                        const std::function<void(const Result&)>& told);

}  // namespace gainsweep::conformance
