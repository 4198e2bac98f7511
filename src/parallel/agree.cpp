#include "parallel/agree.hpp"

#include <algorithm>
#include <optional>

#include "base/exception.hpp"

namespace gainsweep::parallel {
namespace {

constexpr std::size_t longest_excerpt = 80;

// From the start of the first line that differs, shortened.
std::string excerpt(const std::string& text, const std::string& other) {
  const auto limit = std::min(text.size(), other.size());
  std::size_t place = 0;
  while (place < limit && text[place] == other[place]) ++place;
  const auto line = place == 0 ? std::string::npos : text.rfind('\n', place - 1);
  const auto begin = line == std::string::npos ? 0 : line + 1;
  auto shown = text.substr(begin, text.find('\n', begin) - begin);
  if (shown.size() > longest_excerpt) {
    const auto from = place > begin + 20 ? place - begin - 20 : 0;
    shown = "…" + shown.substr(from, longest_excerpt) + "…";
  }
  return shown;
}

}  // namespace

void together(const Comm& comm, const std::function<void()>& act) {
  std::string verdict;
  try {
    act();
  } catch (const Error& error) {
    verdict = std::to_string(static_cast<int>(error.kind())) + error.what();
  } catch (const std::exception& error) {
    verdict = std::to_string(static_cast<int>(ErrorKind::internal)) + message_of(error);
  }
  const auto verdicts = comm.gather(verdict);
  for (std::size_t rank = 0; rank < verdicts.size(); ++rank) {
    if (verdicts[rank].empty()) continue;
    const auto kind = static_cast<ErrorKind>(verdicts[rank][0] - '0');
    const bool everywhere = std::all_of(verdicts.begin(), verdicts.end(),
                                        [&](const auto& of) { return of == verdict; });
    throw SharedError(
        kind, (everywhere ? "" : "rank " + std::to_string(rank) + ": ") + verdicts[rank].substr(1));
  }
}

void agree(const Comm& comm, const std::vector<Claim>& claims) {
  for (const auto& claim : claims) {
    const auto values = comm.gather(claim.value);
    for (std::size_t rank = 1; rank < values.size(); ++rank) {
      if (values[rank] == values[0]) continue;
      throw SharedError(claim.kind,
                        "rank " + std::to_string(rank) + " has another " + claim.what + ": '" +
                            excerpt(values[rank], values[0]) + "', but rank 0 has '" +
                            excerpt(values[0], values[rank]) +
                            "' (results would depend on who did what). Start all ranks with the "
                            "same program, files and kind of processor.");
    }
  }
}

}  // namespace gainsweep::parallel
