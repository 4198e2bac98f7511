#include "execute/outcome.hpp"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {

struct ClassScores::State {
  at::Tensor rows;                 ///< [targets, classes], fp32, contiguous, on the host
  at::Tensor largest;              ///< [targets, 1]
  std::vector<double> log_totals;  ///< of each target: log Σ exp(score − largest)
};

namespace {

// Elements of a block of rows, which stays in the processor's cache.
constexpr std::int64_t block_elements = std::int64_t{1} << 17;

// Sums side by side, which a processor adds at once; their number fixes the order of a sum.
constexpr std::int64_t lanes = 8;
using Sum = std::array<double, lanes>;

double total(const Sum& sum) {
  double all = 0;
  for (const double part : sum) all += part;
  return all;
}

/// A block of targets: exp(score − largest) of each class.
class Block {
 public:
  Block(const at::Tensor& rows, const at::Tensor& largest, std::int64_t begin)
      : begin_(begin), classes_(rows.size(1)) {
    count_ =
        std::min(rows.size(0) - begin,
                 std::max<std::int64_t>(1, block_elements / std::max<std::int64_t>(classes_, 1)));
    exponentials_ = rows.narrow(0, begin, count_).sub(largest.narrow(0, begin, count_)).exp_();
  }

  std::int64_t begin() const { return begin_; }
  std::int64_t end() const { return begin_ + count_; }
  const float* of_target(std::int64_t target) const {
    return exponentials_.const_data_ptr<float>() + (target - begin_) * classes_;
  }

 private:
  std::int64_t begin_, classes_, count_ = 0;
  at::Tensor exponentials_;
};

std::vector<double> log_totals(const at::Tensor& rows, const at::Tensor& largest) {
  std::vector<double> found;
  const auto classes = rows.size(1);
  for (std::int64_t begin = 0; begin < rows.size(0);) {
    const Block block(rows, largest, begin);
    for (auto target = begin; target < block.end(); ++target) {
      const float* e = block.of_target(target);
      Sum sum{};
      for (std::int64_t v = 0; v < classes; ++v) sum[v % lanes] += e[v];
      found.push_back(std::log(total(sum)));
    }
    begin = block.end();
  }
  return found;
}

// A classes' axis comes last, whatever the targets' shape.
ClassScores class_scores(const at::Tensor& scores) {
  auto rows = scores.to(at::kCPU, at::kFloat).reshape({-1, scores.size(-1)}).contiguous();
  auto largest = std::get<0>(rows.max(1, true));
  auto totals = log_totals(rows, largest);
  return ClassScores(std::make_shared<const ClassScores::State>(
      ClassScores::State{std::move(rows), std::move(largest), std::move(totals)}));
}

std::vector<Verdict> verdicts(const at::Tensor& log_likelihoods, const at::Tensor& likeliest) {
  const auto on_host = [](const at::Tensor& x) { return x.to(at::kCPU, at::kDouble).contiguous(); };
  const auto values = on_host(log_likelihoods), flags = on_host(likeliest);
  std::vector<Verdict> verdicts;
  for (std::int64_t i = 0; i < values.numel(); ++i)
    verdicts.push_back(
        {values.const_data_ptr<double>()[i], flags.const_data_ptr<double>()[i] != 0});
  return verdicts;
}

std::vector<double> shares(std::span<const float> weights, std::int64_t targets) {
  const auto count = static_cast<std::size_t>(targets);
  if (weights.empty()) return std::vector<double>(count, 1 / static_cast<double>(targets));
  if (weights.size() != count)
    throw Error(ErrorKind::internal, std::to_string(weights.size()) +
                                         " weights for the scores of " + std::to_string(count) +
                                         " targets. Report this.");
  double sum = 0;
  for (const float weight : weights) sum += weight;
  std::vector<double> shares;
  for (const float weight : weights) shares.push_back(weight / sum);
  return shares;
}

/// One target of some scores: what its logarithms of probabilities are counted from.
struct Target {
  const float* scores;
  double offset;  ///< log p = score − offset

  Target(const ClassScores::State& state, std::int64_t target)
      : scores(state.rows.const_data_ptr<float>() + target * state.rows.size(1)),
        offset(static_cast<double>(state.largest.const_data_ptr<float>()[target]) +
               state.log_totals[static_cast<std::size_t>(target)]) {}
};

void check_alike(const at::Tensor& rows, const at::Tensor& others) {
  if (rows.sizes() != others.sizes())
    throw Error(ErrorKind::internal,
                "scores of other targets or classes were compared. Report this.");
}

/// Moments of log p (`a`) and of another number (`b`) of the classes of one target under p.
struct Moments {
  double mean_a = 0, mean_b = 0, covariance = 0;
};

// `b(v)` for each class; classes that cannot be have no part in any mean.
template <class B>
Moments moments(const float* exponentials, const Target& high, std::int64_t classes, const B& b) {
  Sum all{}, of_a{}, of_b{}, of_both{};
  for (std::int64_t v = 0; v < classes; ++v) {
    const double e = exponentials[v];
    const double a = e == 0 ? 0 : high.scores[v] - high.offset;
    const double other = e == 0 ? 0 : b(v);
    const auto lane = static_cast<std::size_t>(v % lanes);
    all[lane] += e;
    of_a[lane] += e * a;
    of_b[lane] += e * other;
    of_both[lane] += e * a * other;
  }
  const double sum = total(all);
  Moments found{total(of_a) / sum, total(of_b) / sum, 0};
  found.covariance = total(of_both) / sum - found.mean_a * found.mean_b;
  return found;
}

/// Weighted means over targets of what `describe` says of each, a pair.
template <class Describe>
std::pair<double, double> means(const ClassScores::State& state, std::span<const float> weights,
                                const Describe& describe) {
  const auto share = shares(weights, state.rows.size(0));
  std::pair<double, double> sums;
  for (std::int64_t begin = 0; begin < state.rows.size(0);) {
    const Block block(state.rows, state.largest, begin);
    for (auto target = begin; target < block.end(); ++target) {
      const double of_target = share[static_cast<std::size_t>(target)];
      // What does not count need not be finite.
      if (of_target == 0) continue;
      const auto [first, second] = describe(target, block.of_target(target));
      sums.first += of_target * first;
      sums.second += of_target * second;
    }
    begin = block.end();
  }
  return sums;
}

/// The class of the largest score of a target, the first of equal ones.
std::int64_t likeliest(const ClassScores::State& state, std::int64_t target) {
  const auto classes = state.rows.size(1);
  const float* scores = state.rows.const_data_ptr<float>() + target * classes;
  const float largest = state.largest.const_data_ptr<float>()[target];
  return std::find(scores, scores + classes, largest) - scores;
}

/// How many classes come before one: larger scores, and equal ones of earlier classes.
std::int64_t rank(const ClassScores::State& state, std::int64_t target, std::int64_t of) {
  const auto classes = state.rows.size(1);
  const float* scores = state.rows.const_data_ptr<float>() + target * classes;
  std::int32_t before = 0;  // as wide as a score, so that a processor counts many at once
  for (std::int64_t v = 0; v < of; ++v) before += scores[v] >= scores[of] ? 1 : 0;
  for (std::int64_t v = of; v < classes; ++v) before += scores[v] > scores[of] ? 1 : 0;
  return before;
}

}  // namespace

ClassScores::ClassScores(std::shared_ptr<const State> state) : state_(std::move(state)) {}

std::size_t ClassScores::num_bytes() const {
  return state_->rows.nbytes();
}

Outcome outcome(Program& program, const Inputs& inputs) {
  const c10::InferenceMode inference;
  const auto& outputs = program.graph().outputs;
  if (outputs.empty())
    throw Error(ErrorKind::internal,
                "graph " + program.graph().name + " gives no loss. Report this.");
  const auto found = run_tensors(program.state(), inputs.state(), outputs);
  if (found.front().dim() > 0) return {.verdicts = verdicts(found.at(0), found.at(1))};
  Outcome outcome{found.front().to(at::kCPU, at::kDouble).item<double>()};
  if (found.size() > 1) outcome.scores = class_scores(found[1]);
  return outcome;
}

Confidence confidence(const ClassScores& scores, std::span<const float> weights) {
  const auto& state = scores.state();
  const auto classes = state.rows.size(1);
  const c10::InferenceMode inference;
  const auto [entropy, spread] =
      means(state, weights, [&](std::int64_t target, const float* exponentials) {
        const Target high(state, target);
        const auto found = moments(exponentials, high, classes,
                                   [&](std::int64_t v) { return high.scores[v] - high.offset; });
        return std::pair{-found.mean_a, found.covariance};
      });
  return {entropy, spread};
}

Departure departure(const ClassScores& from, const ClassScores& to,
                    std::span<const float> weights) {
  const auto &state = from.state(), &other = to.state();
  check_alike(state.rows, other.rows);
  const auto classes = state.rows.size(1);
  const c10::InferenceMode inference;
  const auto [divergence, tilt] =
      means(state, weights, [&](std::int64_t target, const float* exponentials) {
        const Target high(state, target), low(other, target);
        const double offset = high.offset - low.offset;
        const auto found = moments(exponentials, high, classes, [&](std::int64_t v) {
          return static_cast<double>(high.scores[v]) - low.scores[v] - offset;
        });
        return std::pair{found.mean_b, found.covariance};
      });
  return {divergence, tilt};
}

Hits hits(const ClassScores& from, const ClassScores& to, std::span<const std::int64_t> targets,
          std::span<const float> weights) {
  const auto &high = from.state(), &low = to.state();
  const auto count = low.rows.size(0);
  check_alike(high.rows, low.rows);
  if (!targets.empty() && static_cast<std::int64_t>(targets.size()) != count)
    throw Error(ErrorKind::internal, "scores and targets are not as many. Report this.");
  const auto share = shares(weights, count);
  double top1 = 0, top5 = 0, agreement = 0;
  for (std::int64_t target = 0; target < count; ++target) {
    const auto place = static_cast<std::size_t>(target);
    if (share[place] == 0) continue;
    if (likeliest(low, target) == likeliest(high, target)) agreement += share[place];
    if (targets.empty()) continue;
    const auto before = rank(low, target, targets[place]);
    if (before < 1) top1 += share[place];
    if (before < 5) top5 += share[place];
  }
  if (targets.empty()) return {.agreement = agreement};
  return {top1, top5, agreement};
}

double noise(const ClassScores& from, const ClassScores& to, std::span<const float> weights) {
  const auto &high = from.state().rows, &low = to.state().rows;
  check_alike(high, low);
  const auto share = shares(weights, high.size(0));
  const auto classes = high.size(1);
  Sum difference{}, signal{};
  for (std::int64_t target = 0; target < high.size(0); ++target) {
    if (share[static_cast<std::size_t>(target)] == 0) continue;
    const float* y = high.const_data_ptr<float>() + target * classes;
    const float* other = low.const_data_ptr<float>() + target * classes;
    for (std::int64_t v = 0; v < classes; ++v) {
      if (!std::isfinite(y[v])) continue;  // a class that cannot be
      const double own = y[v], error = other[v] - own;
      difference[static_cast<std::size_t>(v % lanes)] += error * error;
      signal[static_cast<std::size_t>(v % lanes)] += own * own;
    }
  }
  const double whole = total(signal);
  return whole == 0 ? 0 : total(difference) / whole;
}

}  // namespace gainsweep::execute
