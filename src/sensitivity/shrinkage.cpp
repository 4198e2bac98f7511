#include "sensitivity/shrinkage.hpp"

#include <cmath>
#include <utility>

namespace gainsweep::sensitivity {
namespace {

/// One op's terms by sample, in one format.
using Terms = std::vector<double>;

Terms terms_of(const Contributions& contributions, std::size_t op, std::size_t format) {
  Terms terms;
  for (const auto& of_sample : contributions) terms.push_back(of_sample[op][format]);
  return terms;
}

double mean(const Terms& terms) {
  double sum = 0;
  for (const double term : terms) sum += term;
  return sum / static_cast<double>(terms.size());
}

/// An op in a format.
struct Pair {
  std::size_t op;
  Terms empirical, squares;
  double e, q;  ///< their means

  /// Sampling variance of `log(e / q)`, to first order: that of the mean of `e_r/e − q_r/q`.
  double variance() const {
    const auto count = static_cast<double>(empirical.size());
    double sum = 0;
    for (std::size_t r = 0; r < empirical.size(); ++r)
      sum += std::pow(empirical[r] / e - squares[r] / q, 2);
    return sum / (count - 1) / count;
  }
};

std::vector<Pair> pairs(const Contributions& empirical, const Contributions& squares,
                        std::size_t format) {
  std::vector<Pair> found;
  for (std::size_t op = 0; op < empirical.front().size(); ++op) {
    auto e = terms_of(empirical, op, format), q = terms_of(squares, op, format);
    const double mean_e = mean(e), mean_q = mean(q);
    if (mean_e > 0 && mean_q > 0) found.push_back({op, std::move(e), std::move(q), mean_e, mean_q});
  }
  return found;
}

Shrinkage shrinkage(const std::vector<Pair>& ops) {
  const auto count = static_cast<double>(ops.size());
  double sum = 0, noise = 0, spread = 0;
  for (const auto& op : ops) sum += std::log(op.e / op.q);
  Shrinkage found{std::exp(sum / count), 0};
  if (ops.size() == 1 || ops.front().empirical.size() == 1) return found;
  for (const auto& op : ops) {
    spread += std::pow(std::log(op.e / op.q) - sum / count, 2) / (count - 1);
    noise += op.variance() / count;
  }
  if (spread > noise) found.reliability = 1 - noise / spread;
  return found;
}

/// Writes the terms of one format's ops: their means are what they are drawn to.
void draw(const std::vector<Pair>& ops, const Shrinkage& by, std::size_t format,
          Contributions& contributions) {
  const double w = by.reliability;
  double before = 0, after = 0;
  std::vector<double> drawn;
  for (const auto& op : ops) {
    drawn.push_back(std::pow(op.e, w) * std::pow(by.factor * op.q, 1 - w));
    before += op.e;
    after += drawn.back();
  }
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const auto& op = ops[i];
    for (std::size_t r = 0; r < contributions.size(); ++r)
      contributions[r][op.op][format] =
          drawn[i] * (before / after) *
          (w * op.empirical[r] / op.e + (1 - w) * op.squares[r] / op.q);
  }
}

}  // namespace

Shrunken shrunken(const Contributions& empirical, const Contributions& squares) {
  Shrunken result{empirical, {}};
  for (std::size_t f = 1; f < empirical.front().front().size(); ++f) {
    const auto ops = pairs(empirical, squares, f);
    auto& found = result.by_format.emplace_back();
    if (ops.empty()) continue;
    found = shrinkage(ops);
    draw(ops, found, f, result.contributions);
  }
  return result;
}

}  // namespace gainsweep::sensitivity
