#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "execute/program.hpp"

/// What a model predicts of one sample, target by target, and how far two predictions are apart.
namespace gainsweep::execute {

/// The scores of all classes at every target of a sample, in host memory.
class ClassScores {
 public:
  struct State;
  explicit ClassScores(std::shared_ptr<const State> state);

  std::size_t num_bytes() const;
  const State& state() const { return *state_; }

 private:
  std::shared_ptr<const State> state_;
};

/// What a run says of one target.
struct Verdict {
  double log_likelihood = 0;  ///< nat
  bool is_likeliest = false;  ///< of all classes
};

/// One run of a sample: of its mean loss, or of each of its targets.
struct Outcome {
  double loss = 0;                      ///< nat
  std::optional<ClassScores> scores{};  ///< where the program's second output has them
  std::vector<Verdict> verdicts{};
};

/// Runs a program whose outputs are the mean loss and, if there is a second, class scores; or, of
/// the targets, log-likelihoods and which of them are likeliest. Local; errors as for Program::run.
Outcome outcome(Program& program, const Inputs& inputs);

/// How sure a model is, as means over targets; `p` is what it predicts of one target.
struct Confidence {
  double entropy = 0;  ///< H(p), nat
  double spread = 0;   ///< Var_p(log p), nat²
};

/// How far predictions `p̃` are from `p`, as means over targets.
struct Departure {
  double divergence = 0;  ///< KL(p‖p̃), nat
  double tilt = 0;        ///< Cov_p(log p, log p − log p̃), nat²: above 0 where p̃ is flatter
};

/// How often predictions are right, and as `p`'s, as means over targets.
struct Hits {
  std::optional<double> top1{};  ///< the target has the largest score, the first of equal ones
  std::optional<double> top5{};  ///< it is among the five largest, or of five classes or fewer
  double agreement = 0;          ///< the likeliest class is that of `p`
};

/// Means with the weights of targets (none: all are 1), as the sample's loss is. Exponentials are
/// formed in fp32, some targets at a time, everything else in fp64. Error(internal) where weights
/// or scores do not fit each other.
Confidence confidence(const ClassScores& scores, std::span<const float> weights);
Departure departure(const ClassScores& from, const ClassScores& to, std::span<const float> weights);
/// Without targets nothing is right or wrong. Error(internal) as above.
Hits hits(const ClassScores& from, const ClassScores& to, std::span<const std::int64_t> targets,
          std::span<const float> weights);

/// Σ (y′ − y)² / Σ y² over the classes of all targets that count, y of `from`: what a
/// signal-to-noise ratio is the inverse of. Without scores that can be, 0.
double noise(const ClassScores& from, const ClassScores& to, std::span<const float> weights);

}  // namespace gainsweep::execute
