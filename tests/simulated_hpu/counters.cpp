#include "simulated_hpu/counters.hpp"

#include <torch/library.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>

#include "simulated_hpu/card.hpp"

namespace simulated_hpu {
namespace {

using Entry = std::pair<const char*, const std::atomic<std::int64_t>*>;

const std::array<Entry, 7>& entries() {
  static const std::array<Entry, 7> all{{{"issued", &counters().issued},
                                         {"launches", &counters().launches},
                                         {"compilations", &counters().compilations},
                                         {"host_fallbacks", &counters().host_fallbacks},
                                         {"copies_to_host", &counters().copies_to_host},
                                         {"unwaited_reads", &counters().unwaited_reads},
                                         {"off_grid_scales", &counters().off_grid_scales}}};
  return all;
}

/// Leaves the counts of this process behind when the plug-in is unloaded.
struct Report {
  Report() { entries(); }
  ~Report() {
    const char* folder = std::getenv("SIMULATED_HPU_COUNTS");
    if (folder == nullptr || !card().acquired()) return;
    std::ofstream file(std::string(folder) + "/" + std::to_string(getpid()) + ".json");
    file << "{\"module\": " << card().module();
    for (const auto& [name, value] : entries()) file << ", \"" << name << "\": " << *value;
    file << "}\n";
  }
};
const Report report;

}  // namespace

Counters& counters() {
  static Counters all;
  return all;
}

std::int64_t count(std::string_view what) {
  for (const auto& [name, value] : entries())
    if (what == name) return *value;
  if (what == "lazy") return card().lazy() ? 1 : 0;
  if (what == "module") return card().module();
  if (what == "busy") return card().busy() ? 1 : 0;
  if (what == "busy_microseconds") return static_cast<std::int64_t>(card().busy_seconds() * 1e6);
  TORCH_CHECK(false, "simulated HPU: nothing is counted as ", what);
}

}  // namespace simulated_hpu

TORCH_LIBRARY(simulated_hpu, m) {
  m.def("count(str what) -> int", torch::CppFunction(simulated_hpu::count));
}
