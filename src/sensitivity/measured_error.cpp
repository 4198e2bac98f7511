#include "sensitivity/measured_error.hpp"

#include <cmath>

#include "base/error.hpp"

namespace gainsweep::sensitivity {

MeasuredError measured_error(const std::vector<double>& all_high, const std::vector<double>& plan) {
  if (all_high.empty() || all_high.size() != plan.size())
    throw Error(ErrorKind::internal, "losses of " + std::to_string(all_high.size()) + " and " +
                                         std::to_string(plan.size()) +
                                         " samples were compared. Report this.");
  const auto count = static_cast<double>(plan.size());
  double squares = 0, fourth_powers = 0, losses = 0;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const double change = plan[i] - all_high[i];
    squares += change * change / count;
    fourth_powers += change * change * change * change / count;
    losses += all_high[i] * all_high[i] / count;
  }
  if (squares == 0) return {};
  const double deviation = std::sqrt(std::max(0.0, fourth_powers - squares * squares) / count);
  return {std::sqrt(squares / losses), deviation / (2 * std::sqrt(squares * losses))};
}

}  // namespace gainsweep::sensitivity
