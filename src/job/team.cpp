#include "job/team.hpp"

namespace gainsweep::job {

std::vector<std::vector<double>> RankTeam::gather(std::span<const double> own) {
  std::vector<std::vector<double>> all;
  if (!broken_) all = step(Step::numbers, own);
  if (!broken_) return all;
  throw Error(
      ErrorKind::internal,
      failed_elsewhere_
          ? "the unit failed on another rank"
          : "the unit takes another number of steps on another rank (a step is collective)");
}

std::optional<Reason> RankTeam::close(const std::optional<Reason>& own) {
  if (!broken_) step(own ? Step::failed : Step::done, {});
  // What failed here because it failed elsewhere is told there.
  const bool tells = own && !(broken_ && failed_elsewhere_ && own->kind == ErrorKind::internal);
  broken_ = failed_elsewhere_ = false;
  const auto texts =
      comm_.gather(tells ? std::to_string(static_cast<int>(own->kind)) + own->text : "");
  for (const auto& text : texts)
    if (!text.empty()) return Reason{static_cast<ErrorKind>(text[0] - '0'), text.substr(1)};
  return std::nullopt;
}

// Collective. Each rank's numbers behind what it is at; broken unless all are at the same.
std::vector<std::vector<double>> RankTeam::step(Step step, std::span<const double> own) {
  std::vector<double> message{static_cast<double>(step)};
  message.insert(message.end(), own.begin(), own.end());
  auto all = comm_.gather(message);
  for (auto& of_rank : all) {
    const auto at = static_cast<Step>(static_cast<int>(of_rank.front()));
    broken_ = broken_ || at != step;
    failed_elsewhere_ = failed_elsewhere_ || (at == Step::failed && step != Step::failed);
    of_rank.erase(of_rank.begin());
  }
  return all;
}

}  // namespace gainsweep::job
