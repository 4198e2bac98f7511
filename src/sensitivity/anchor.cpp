#include "sensitivity/anchor.hpp"

#include <cmath>
#include <numeric>

#include "base/error.hpp"

namespace gainsweep::sensitivity {
namespace {

// The measured mean's part in b: 1 where the correction to the closed form is large beside the
// mean's standard error, 0 where it is small.
double measured_share(std::span<const Shift> shifts, double mean, double correction) {
  const auto count = static_cast<double>(shifts.size());
  if (shifts.size() < 2 || correction == 0) return 0;
  double squares = 0;
  for (const Shift& shift : shifts)
    squares += (shift.loss_change - mean) * (shift.loss_change - mean);
  const double error = squares / (count - 1) / count;
  const double uncertain = correction * correction / 4;
  return uncertain / (uncertain + error);
}

}  // namespace

MeanChange mean_change(std::span<const Sureness> samples, std::span<const Shift> shifts) {
  if (samples.empty() || samples.size() != shifts.size())
    throw Error(ErrorKind::internal, std::to_string(samples.size()) + " samples with " +
                                         std::to_string(shifts.size()) +
                                         " changes of their losses. Report this.");
  const auto count = static_cast<double>(samples.size());
  MeanChange change;
  double tilt = 0, spread = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    change.measured += shifts[i].loss_change / count;
    if (!samples[i].confidence) continue;
    change.divergence += shifts[i].departure.divergence / count;
    change.gap += (samples[i].loss - samples[i].confidence->entropy) / count;
    tilt += shifts[i].departure.tilt;
    spread += samples[i].confidence->spread;
  }
  change.change = change.measured;
  if (!samples.front().confidence) return change;
  if (spread > 0) change.flattening = tilt / spread;
  const double correction = change.gap * change.flattening;
  const double closed = change.divergence - correction;
  change.change =
      closed + measured_share(shifts, change.measured, correction) * (change.measured - closed);
  return change;
}

std::vector<MeanChange> mean_changes(std::span<const AnchorRecord> records,
                                     std::span<const std::size_t> places) {
  if (records.empty()) throw Error(ErrorKind::internal, "there are no anchors. Report this.");
  std::vector<Sureness> samples;
  for (const auto place : places)
    samples.push_back({records[place].loss, records[place].confidence});
  std::vector<MeanChange> changes;
  for (std::size_t low = 0; low < records.front().shifts.size(); ++low) {
    std::vector<Shift> shifts;
    for (const auto place : places) shifts.push_back(records[place].shifts.at(low));
    changes.push_back(mean_change(samples, shifts));
  }
  return changes;
}

std::vector<MeanChange> mean_changes(std::span<const AnchorRecord> records) {
  std::vector<std::size_t> places(records.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  return mean_changes(records, places);
}

double bias_rate(std::span<const MeanChange> changes, double loss_errors) {
  double sum = 0;
  for (const MeanChange& change : changes) sum += change.change;
  return loss_errors > 0 ? sum / loss_errors : 0;
}

}  // namespace gainsweep::sensitivity
