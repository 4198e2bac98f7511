#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gainsweep::disk {

/// A processor package's energy counter (RAPL), as the system shows it to this process.
struct EnergyCounter {
  std::string name;  ///< "intel-rapl:0"; AMD's have the same names
  std::int64_t microjoules = 0;
  std::int64_t range = 0;  ///< where the counter starts again at 0
};

/// The packages' counters now; none where there are none or only the administrator may read them.
/// `root` is another than "/" in tests alone.
std::vector<EnergyCounter> energy_counters(const std::filesystem::path& root = "/");

/// Joules that all packages took between two readings, less than one turn of a counter apart;
/// nothing where there is no counter, or another set of them.
std::optional<double> joules(const std::vector<EnergyCounter>& before,
                             const std::vector<EnergyCounter>& after);

}  // namespace gainsweep::disk
