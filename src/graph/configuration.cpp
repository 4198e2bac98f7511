#include <algorithm>

#include "base/error.hpp"
#include "graph/partition.hpp"

namespace gainsweep::graph {
namespace {

[[noreturn]] void fail(const Subgraph& subgraph, const std::string& what) {
  throw Error(ErrorKind::internal, "sub-graph `" + subgraph.name + "`: " + what);
}

/// Formats that all tied ops allow, rising, the high one first.
std::vector<FormatId> common_formats(const Subgraph& subgraph, const std::vector<std::size_t>& tie,
                                     const std::vector<std::vector<FormatId>>& allowed) {
  std::vector<FormatId> common;
  for (const std::size_t position : tie) {
    auto formats = allowed.at(position);
    std::sort(formats.begin(), formats.end());
    formats.erase(std::unique(formats.begin(), formats.end()), formats.end());
    if (formats.empty() || formats.front() != high_format) {
      fail(subgraph, "the high format must be allowed for every op.");
    }
    if (position == tie.front()) common = formats;
    std::erase_if(common, [&](FormatId format) {
      return !std::binary_search(formats.begin(), formats.end(), format);
    });
  }
  return common;
}

/// The next choice in odometer order, the last digit fastest; false after the last choice.
bool advance(std::vector<std::size_t>& choice, const std::vector<std::vector<FormatId>>& formats) {
  for (std::size_t i = choice.size(); i-- > 0;) {
    if (++choice[i] < formats[i].size()) return true;
    choice[i] = 0;
  }
  return false;
}

}  // namespace

std::vector<Configuration> configurations(const Subgraph& subgraph,
                                          const std::vector<std::vector<FormatId>>& allowed) {
  if (allowed.size() != subgraph.ops.size()) {
    fail(subgraph, "allowed formats are given for " + std::to_string(allowed.size()) + " of " +
                       std::to_string(subgraph.ops.size()) + " ops.");
  }
  std::vector<std::vector<FormatId>> formats;
  for (const auto& tie : subgraph.ties) formats.push_back(common_formats(subgraph, tie, allowed));
  std::vector<Configuration> result;
  std::vector<std::size_t> choice(formats.size());
  do {
    Configuration configuration(subgraph.ops.size());
    for (std::size_t i = 0; i < choice.size(); ++i) {
      for (const std::size_t op : subgraph.ties[i]) configuration[op] = formats[i][choice[i]];
    }
    result.push_back(std::move(configuration));
  } while (advance(choice, formats));
  return result;
}

}  // namespace gainsweep::graph
