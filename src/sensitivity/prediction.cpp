#include "sensitivity/prediction.hpp"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <numeric>

namespace gainsweep::sensitivity {
namespace {

constexpr double tail = 0.025;

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The value at a share of sorted ones, linearly between the two nearest.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

}  // namespace

Resamples::Resamples(std::size_t samples, std::size_t count, std::uint64_t seed)
    : count_(count), samples_(samples) {
  boost::random::mt19937_64 bits(seed);
  boost::random::uniform_int_distribution<std::uint32_t> place(
      0, static_cast<std::uint32_t>(samples - 1));
  places_.reserve(samples * count);
  for (std::size_t i = 0; i < samples * count; ++i) places_.push_back(place(bits));
}

double Resamples::mean(const std::vector<double>& values, std::size_t index) const {
  double sum = 0;
  const auto* places = places_.data() + index * samples_;
  for (std::size_t i = 0; i < samples_; ++i) sum += values[places[i]];
  return sum / static_cast<double>(samples_);
}

Prediction predict(const LossModel& model, const std::vector<double>& contributions,
                   const std::vector<double>& losses, std::int64_t targets,
                   const Resamples& resamples) {
  std::vector<double> squares;
  for (const double loss : losses) squares.push_back(loss * loss);
  LossErrors errors;
  errors.samples = static_cast<std::int64_t>(losses.size());
  errors.targets = targets;
  const auto relative = [&](double sum, double mean_square_loss) {
    errors.mean_square_loss = mean_square_loss;
    return std::sqrt(model.predicted(errors, sum) / mean_square_loss);
  };
  Prediction prediction;
  prediction.loss_error = mean(contributions);
  prediction.error = relative(prediction.loss_error, mean(squares));
  prediction.mean_square = model.predicted(errors, prediction.loss_error);
  std::vector<double> drawn;
  for (std::size_t i = 0; i < resamples.size(); ++i)
    drawn.push_back(relative(resamples.mean(contributions, i), resamples.mean(squares, i)));
  std::sort(drawn.begin(), drawn.end());
  prediction.low = quantile(drawn, tail);
  prediction.high = quantile(drawn, 1 - tail);
  return prediction;
}

}  // namespace gainsweep::sensitivity
