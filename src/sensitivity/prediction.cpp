#include "sensitivity/prediction.hpp"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <cmath>
#include <numeric>

#include "base/quantile.hpp"

namespace gainsweep::sensitivity {
namespace {

constexpr double tail = 0.025;
constexpr std::size_t num_resamples = 1000;
constexpr std::uint64_t anchor_stream = 0x616e63686f72;  // tells the draws of anchors apart

// A standard deviation, of the logarithm of a predicted mean square.
constexpr double model_error = 0.15;
constexpr double normal_quantile = 1.959964;  // of 1 − tail

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Bounds bounds(double value, std::vector<double> drawn) {
  std::sort(drawn.begin(), drawn.end());
  return {value, quantile(drawn, tail), quantile(drawn, 1 - tail)};
}

double drawn_targets(const Evidence& evidence, const std::vector<std::size_t>& places) {
  std::vector<double> targets, terms;
  for (const auto place : places) {
    targets.push_back(evidence.targets[place]);
    terms.push_back(evidence.anchor_terms[place]);
  }
  return mean_targets(targets, terms);
}

// The ratio of an interval's end to its middle, both of root mean squares, with the model's error.
double widened(double larger, double smaller) {
  const double of_model = normal_quantile * model_error / 2;
  const double sampling = smaller > 0 ? std::max(0.0, std::log(larger / smaller)) : 0;
  return std::exp(std::hypot(sampling, of_model));
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

std::vector<std::size_t> Resamples::places(std::size_t index) const {
  const auto* first = places_.data() + index * samples_;
  return {first, first + samples_};
}

ResampledErrors::ResampledErrors(const Evidence& evidence, std::size_t count)
    : resamples_(evidence.losses.size(), count, evidence.seed), drawn_(count) {
  const auto& anchors = evidence.anchors;
  std::vector<double> squares;
  for (const double loss : evidence.losses) squares.push_back(loss * loss);
  measured_.samples = static_cast<std::int64_t>(squares.size());
  measured_.targets = mean_targets(evidence.targets, evidence.anchor_terms);
  measured_.mean_square_loss = mean(squares);
  if (!anchors.empty())
    measured_.bias_rate =
        sensitivity::bias_rate(mean_changes(anchors), mean(evidence.anchor_terms));
  const Resamples of_anchors(std::max<std::size_t>(anchors.size(), 1), count,
                             evidence.seed ^ anchor_stream);
  for (std::size_t i = 0; i < count; ++i) {
    drawn_[i] = measured_;
    drawn_[i].mean_square_loss = resamples_.mean(squares, i);
    drawn_[i].targets = drawn_targets(evidence, resamples_.places(i));
    if (!anchors.empty())
      drawn_[i].bias_rate = sensitivity::bias_rate(mean_changes(anchors, of_anchors.places(i)),
                                                   resamples_.mean(evidence.anchor_terms, i));
  }
}

LossErrors loss_errors(const ResampledErrors& errors, std::size_t index,
                       const Contributions& terms) {
  LossErrors drawn = errors.drawn()[index];
  for (const auto& of_op : terms.front()) drawn.d.emplace_back(of_op.size());
  const auto places = errors.resamples().places(index);
  for (const auto place : places)
    for (std::size_t op = 0; op < drawn.d.size(); ++op)
      for (std::size_t f = 1; f < drawn.d[op].size(); ++f) drawn.d[op][f] += terms[place][op][f];
  for (auto& of_op : drawn.d)
    for (double& d : of_op) d /= static_cast<double>(places.size());
  return drawn;
}

Predictor::Predictor(const Evidence& evidence) : errors_(evidence, num_resamples) {}

Prediction Predictor::predict(const LossModel& model,
                              const std::vector<double>& contributions) const {
  const auto& measured = errors_.measured();
  const auto relative = [&](const LossErrors& errors, double sum) {
    return std::sqrt(model.predicted(errors, sum) / errors.mean_square_loss);
  };
  Prediction prediction;
  prediction.loss_error = mean(contributions);
  prediction.bias = model.bias(measured, prediction.loss_error);
  prediction.mean_square = model.predicted(measured, prediction.loss_error);
  prediction.error = relative(measured, prediction.loss_error);
  std::vector<double> drawn;
  for (std::size_t i = 0; i < errors_.drawn().size(); ++i)
    drawn.push_back(relative(errors_.drawn()[i], errors_.resamples().mean(contributions, i)));
  const auto sampling = bounds(prediction.error, std::move(drawn));
  prediction.low = prediction.error / widened(prediction.error, sampling.low);
  prediction.high = prediction.error * widened(sampling.high, prediction.error);
  return prediction;
}

std::optional<Bounds> Predictor::bias_rate() const {
  const auto& measured = errors_.measured();
  if (!measured.bias_rate) return std::nullopt;
  std::vector<double> drawn;
  for (const auto& errors : errors_.drawn()) drawn.push_back(*errors.bias_rate);
  return bounds(*measured.bias_rate, std::move(drawn));
}

}  // namespace gainsweep::sensitivity
