#include "solve/chains.hpp"

namespace gainsweep::solve {

bool Chains::comes_first(const Step& a, const Step& b) const {
  bool first = a.choice < b.choice;
  Step left = a;
  Step right = b;
  // The earliest difference decides; chains that have met stay together.
  for (auto layer = layers_.rbegin(); layer != layers_.rend() && left.parent != right.parent;
       ++layer) {
    left = (*layer)[left.parent];
    right = (*layer)[right.parent];
    if (left.choice != right.choice) first = left.choice < right.choice;
  }
  return first;
}

std::vector<std::size_t> Chains::choices(std::size_t state) const {
  std::vector<std::size_t> result(layers_.size());
  for (std::size_t group = layers_.size(); group-- > 0;) {
    const Step& step = layers_[group][state];
    result[group] = step.choice;
    state = step.parent;
  }
  return result;
}

}  // namespace gainsweep::solve
