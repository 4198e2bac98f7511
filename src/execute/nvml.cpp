#include "execute/nvml.hpp"

#include <dlfcn.h>

#include <array>
#include <sstream>

namespace gainsweep::execute {
namespace {

// As nvml.h of the CUDA toolkit declares them (NVML API Reference Guide, "Device Queries",
// "NvmlClocksEventReasons"; NVIDIA's Python bindings nvidia-ml-py name the same). Calls and numbers
// of NVML keep their meaning once they are published: others get names with another suffix.
using Handle = void*;  // nvmlDevice_t

constexpr int success = 0;              // NVML_SUCCESS
constexpr int clock_of_processors = 1;  // NVML_CLOCK_SM
constexpr int sensor_of_chip = 0;       // NVML_TEMPERATURE_GPU
constexpr std::size_t text_size = 96;   // NVML_DEVICE_NAME_V2_BUFFER_SIZE, the longest

struct PciInfo {  // nvmlPciInfo_t
  char legacy_address[16];
  unsigned domain, bus, device, device_id, subsystem_id;
  char address[32];
};

struct ClockReason {
  std::uint64_t bit;
  const char* name;        // as nvidia-smi --query-gpu=clocks_event_reasons spells it
  bool is_wanted = false;  // idle, or a clock that somebody set
};

constexpr std::array<ClockReason, 9> clock_reasons{{{0x001, "gpu_idle", true},
                                                    {0x002, "applications_clocks_setting", true},
                                                    {0x004, "sw_power_cap"},
                                                    {0x008, "hw_slowdown"},
                                                    {0x010, "sync_boost"},
                                                    {0x020, "sw_thermal_slowdown"},
                                                    {0x040, "hw_thermal_slowdown"},
                                                    {0x080, "hw_power_brake_slowdown"},
                                                    {0x100, "display_clocks_setting", true}}};

std::string unnamed(std::uint64_t bit) {
  std::ostringstream text;
  text << "0x" << std::hex << bit;
  return text.str();
}

/// A call by its first name that the library has; null where it has none.
template <class Call>
Call* found(void* library, std::initializer_list<const char*> names) {
  for (const auto* name : names)
    if (void* symbol = dlsym(library, name)) return reinterpret_cast<Call*>(symbol);
  return nullptr;
}

/// Whether a call is there and succeeded.
template <class Call, class... Arguments>
bool did(Call* call, Arguments... arguments) {
  return call != nullptr && call(arguments...) == success;
}

}  // namespace

struct Nvml::Calls {
  using Library = std::unique_ptr<void, int (*)(void*)>;

  explicit Calls(Library opened)
      : library(std::move(opened)),
        init(found<int()>(library.get(), {"nvmlInit_v2"})),
        shutdown(found<int()>(library.get(), {"nvmlShutdown"})),
        driver_version(found<int(char*, unsigned)>(library.get(), {"nvmlSystemGetDriverVersion"})),
        count(found<int(unsigned*)>(library.get(), {"nvmlDeviceGetCount_v2"})),
        by_index(found<int(unsigned, Handle*)>(library.get(), {"nvmlDeviceGetHandleByIndex_v2"})),
        by_address(
            found<int(const char*, Handle*)>(library.get(), {"nvmlDeviceGetHandleByPciBusId_v2"})),
        by_uuid(found<int(const char*, Handle*)>(library.get(), {"nvmlDeviceGetHandleByUUID"})),
        name(found<int(Handle, char*, unsigned)>(library.get(), {"nvmlDeviceGetName"})),
        uuid(found<int(Handle, char*, unsigned)>(library.get(), {"nvmlDeviceGetUUID"})),
        pci(found<int(Handle, PciInfo*)>(library.get(), {"nvmlDeviceGetPciInfo_v3"})),
        capability(
            found<int(Handle, int*, int*)>(library.get(), {"nvmlDeviceGetCudaComputeCapability"})),
        clock(found<int(Handle, int, unsigned*)>(library.get(), {"nvmlDeviceGetClockInfo"})),
        power(found<int(Handle, unsigned*)>(library.get(), {"nvmlDeviceGetPowerUsage"})),
        temperature(
            found<int(Handle, int, unsigned*)>(library.get(), {"nvmlDeviceGetTemperature"})),
        // The second is what drivers before 535 call it.
        reasons(found<int(Handle, unsigned long long*)>(
            library.get(), {"nvmlDeviceGetCurrentClocksEventReasons",
                            "nvmlDeviceGetCurrentClocksThrottleReasons"})) {}

  Library library;
  int (*init)();
  int (*shutdown)();
  int (*driver_version)(char*, unsigned);
  int (*count)(unsigned*);
  int (*by_index)(unsigned, Handle*);
  int (*by_address)(const char*, Handle*);
  int (*by_uuid)(const char*, Handle*);
  int (*name)(Handle, char*, unsigned);
  int (*uuid)(Handle, char*, unsigned);
  int (*pci)(Handle, PciInfo*);
  int (*capability)(Handle, int*, int*);
  int (*clock)(Handle, int, unsigned*);
  int (*power)(Handle, unsigned*);
  int (*temperature)(Handle, int, unsigned*);
  int (*reasons)(Handle, unsigned long long*);
};

Nvml::Nvml(std::unique_ptr<const Calls> calls) : calls_(std::move(calls)) {}

Nvml::~Nvml() {
  did(calls_->shutdown);
}

std::unique_ptr<const Nvml> Nvml::open(const char* file) {
  Calls::Library library(dlopen(file, RTLD_NOW | RTLD_LOCAL), dlclose);
  if (!library) return nullptr;
  auto calls = std::make_unique<const Calls>(std::move(library));
  if (!did(calls->init)) return nullptr;
  return std::unique_ptr<const Nvml>(new Nvml(std::move(calls)));
}

std::string Nvml::driver_version() const {
  std::array<char, text_size> text{};
  return did(calls_->driver_version, text.data(), unsigned{text_size}) ? text.data() : "";
}

NvmlCard Nvml::describe(Handle handle) const {
  NvmlCard card;
  std::array<char, text_size> text{};
  if (did(calls_->name, handle, text.data(), unsigned{text_size})) card.name = text.data();
  if (did(calls_->uuid, handle, text.data(), unsigned{text_size})) card.uuid = text.data();
  PciInfo pci{};
  if (did(calls_->pci, handle, &pci)) card.address = pci.address;
  auto& [major, minor] = card.capability;
  if (!did(calls_->capability, handle, &major, &minor)) card.capability = {};
  return card;
}

std::vector<NvmlCard> Nvml::cards() const {
  std::vector<NvmlCard> all;
  unsigned count = 0;
  if (!did(calls_->count, &count)) return all;
  for (unsigned i = 0; i < count; ++i) {
    Handle handle = nullptr;
    if (did(calls_->by_index, i, &handle)) all.push_back(describe(handle));
  }
  return all;
}

void* Nvml::handle(const std::string& id) const {
  Handle handle = nullptr;
  const bool is_address = id.find(':') != std::string::npos;
  return did(is_address ? calls_->by_address : calls_->by_uuid, id.c_str(), &handle) ? handle
                                                                                     : nullptr;
}

NvmlCard Nvml::card(const std::string& id) const {
  const auto found = handle(id);
  return found == nullptr ? NvmlCard{} : describe(found);
}

CardState Nvml::state(const std::string& id) const {
  CardState state;
  const auto card = handle(id);
  if (card == nullptr) return state;
  unsigned megahertz = 0, milliwatts = 0, celsius = 0;
  if (did(calls_->clock, card, clock_of_processors, &megahertz)) state.clock_hz = 1e6 * megahertz;
  if (did(calls_->power, card, &milliwatts)) state.power_watts = 1e-3 * milliwatts;
  if (did(calls_->temperature, card, sensor_of_chip, &celsius)) state.temperature_celsius = celsius;
  unsigned long long mask = 0;
  if (!did(calls_->reasons, card, &mask)) return state;
  state.clock_reasons = clock_reason_names(mask);
  state.held_back_by = clock_reason_names(holding_back(mask));
  return state;
}

const Nvml* nvml() {
  static const auto only = Nvml::open();
  return only.get();
}

std::vector<std::string> clock_reason_names(std::uint64_t mask) {
  std::vector<std::string> names;
  for (const auto& reason : clock_reasons) {
    if ((mask & reason.bit) != 0) names.emplace_back(reason.name);
    mask &= ~reason.bit;
  }
  if (mask != 0) names.push_back(unnamed(mask));
  return names;
}

std::uint64_t holding_back(std::uint64_t mask) {
  for (const auto& reason : clock_reasons)
    if (reason.is_wanted) mask &= ~reason.bit;
  return mask;
}

}  // namespace gainsweep::execute
