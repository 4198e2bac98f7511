#include "disk/energy.hpp"

#include <algorithm>
#include <fstream>

namespace gainsweep::disk {
namespace {

namespace fs = std::filesystem;

std::optional<std::int64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

/// "intel-rapl:0" is a package, "intel-rapl:0:1" a part of it.
bool is_package(const std::string& name) {
  return name.starts_with("intel-rapl:") && std::count(name.begin(), name.end(), ':') == 1;
}

}  // namespace

std::vector<EnergyCounter> energy_counters(const fs::path& root) {
  std::vector<EnergyCounter> counters;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(root / "sys/class/powercap", none)) {
    const auto name = entry.path().filename().string();
    if (!is_package(name)) continue;
    const auto energy = number_in(entry.path() / "energy_uj");
    const auto range = number_in(entry.path() / "max_energy_range_uj");
    if (energy && range) counters.push_back({name, *energy, *range});
  }
  std::sort(counters.begin(), counters.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return counters;
}

std::optional<double> joules(const std::vector<EnergyCounter>& before,
                             const std::vector<EnergyCounter>& after) {
  if (before.empty() || before.size() != after.size()) return std::nullopt;
  double sum = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].name != after[i].name) return std::nullopt;
    auto difference = after[i].microjoules - before[i].microjoules;
    if (difference < 0) difference += after[i].range;
    sum += static_cast<double>(difference) * 1e-6;
  }
  return sum;
}

}  // namespace gainsweep::disk
