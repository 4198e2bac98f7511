#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gainsweep::solve {

/// The choices of partial selections that grow group by group, as chains of back-pointers: eight
/// bytes per kept selection and group.
class Chains {
 public:
  /// How a selection came about: its last group's choice, and the state of the groups before.
  struct Step {
    std::uint32_t parent = 0;
    std::uint32_t choice = 0;
  };

  /// Whether a selection of all groups so far and one more comes before another one
  /// lexicographically.
  bool comes_first(const Step& a, const Step& b) const;

  /// Adds a group: the last step of each of its states.
  void add(std::vector<Step> layer) { layers_.push_back(std::move(layer)); }

  std::size_t num_groups() const { return layers_.size(); }

  /// The choices that lead to a state of the last group, one per group.
  std::vector<std::size_t> choices(std::size_t state) const;

 private:
  std::vector<std::vector<Step>> layers_;  ///< one per group
};

}  // namespace gainsweep::solve
