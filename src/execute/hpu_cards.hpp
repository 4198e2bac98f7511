#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// The Gaudis of a machine as its system tells of them. Private to this folder.
namespace gainsweep::execute {

struct HpuCard {
  std::string module;   ///< the number that it is acquired by; not that of its device file
  std::string type;     ///< `GAUDI2`
  std::string address;  ///< of the PCI bus
  std::optional<int> numa_node{};
};

/// Cards below `root`, by module. Empty where the system tells nothing.
std::vector<HpuCard> hpu_cards(const std::filesystem::path& root = "/sys/class/accel");

/// Modules that this process may acquire: HLS_MODULE_ID, else HABANA_VISIBLE_MODULES, else those of
/// `cards`, else 0 to 7, which is what Intel's launchers take for granted.
std::vector<std::string> visible_modules(const std::vector<HpuCard>& cards);

/// Why this process is far from a card: none of its processors is of the card's NUMA node. Empty
/// where one is, or nobody knows.
std::string numa_warning(const HpuCard& card,
                         const std::filesystem::path& nodes = "/sys/devices/system/node");

}  // namespace gainsweep::execute
