#include "sensitivity/score.hpp"

namespace gainsweep::sensitivity {

ScoreRecord score(execute::Prober& prober, const execute::Inputs& inputs) {
  return prober.probe(inputs);
}

}  // namespace gainsweep::sensitivity
