#include "execute/hpu_cards.hpp"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/text.hpp"

namespace gainsweep::execute {
namespace {

namespace fs = std::filesystem;

constexpr int usual_cards = 8;

std::string first_word(const fs::path& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

std::vector<std::string> listed(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return {};
  return split(text, ',');
}

std::optional<int> number(const std::string& word) {
  const bool is_number = !word.empty() && std::all_of(word.begin(), word.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; });
  return is_number ? std::optional(std::atoi(word.c_str())) : std::nullopt;
}

/// Whether this process may run on a processor of a list such as `0-17,36-53`.
bool may_run_on(const std::string& list) {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return true;
  for (const auto& range : split(list, ',')) {
    const auto ends = split(range, '-');
    const auto first = number(ends.front()), last = number(ends.back());
    if (!first || !last) return true;
    for (int cpu = *first; cpu <= *last && cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &mask)) return true;
  }
  return false;
}

}  // namespace

std::vector<HpuCard> hpu_cards(const fs::path& root) {
  std::vector<HpuCard> cards;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(root, none)) {
    const auto device = entry.path() / "device";
    const auto module = first_word(device / "module_id");
    if (!number(module)) continue;
    cards.push_back({module, first_word(device / "device_type"), first_word(device / "pci_addr"),
                     number(first_word(device / "numa_node"))});
  }
  std::sort(cards.begin(), cards.end(),
            [](const auto& a, const auto& b) { return *number(a.module) < *number(b.module); });
  return cards;
}

std::vector<std::string> visible_modules(const std::vector<HpuCard>& cards) {
  for (const auto* variable : {"HLS_MODULE_ID", "HABANA_VISIBLE_MODULES"})
    if (const auto names = listed(variable); !names.empty()) return names;
  std::vector<std::string> names;
  for (const auto& card : cards) names.push_back(card.module);
  for (int i = 0; names.size() < usual_cards && cards.empty(); ++i)
    names.push_back(std::to_string(i));
  return names;
}

std::string numa_warning(const HpuCard& card, const fs::path& nodes) {
  if (!card.numa_node) return "";
  const auto node = std::to_string(*card.numa_node);
  const auto processors = first_word(nodes / ("node" + node) / "cpulist");
  if (processors.empty() || may_run_on(processors)) return "";
  return "hpu module " + card.module + " is on NUMA node " + node + " (processors " + processors +
         "), and this rank may run on none of them: copies are slower. Bind ranks to the node of "
         "their card";
}

}  // namespace gainsweep::execute
