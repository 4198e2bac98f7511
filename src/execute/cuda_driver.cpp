#include "execute/cuda_driver.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdio>

namespace gainsweep::execute {
namespace {

// Of cuda.h: a device is an int, a UUID 16 bytes, and every call returns 0 where it succeeds.
using Uuid = std::array<unsigned char, 16>;
constexpr int capability_major = 75, capability_minor = 76, cache_size = 38;

void* driver() {
  static void* const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  return library;
}

/// Calls a function of a library that may not have it: whether it was there and succeeded.
template <class... Arguments>
bool call(void* library, const char* name, Arguments... arguments) {
  auto* const function = reinterpret_cast<int (*)(Arguments...)>(dlsym(library, name));
  return function != nullptr && function(arguments...) == 0;
}

template <class... Arguments>
bool ask(const char* name, Arguments... arguments) {
  return driver() != nullptr && call(driver(), name, arguments...);
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

std::string id_text(const Uuid& uuid) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", uuid[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits.data();
  }
  return text;
}

/// Its number where the driver gives no UUID.
std::string id_of(int device, int place) {
  Uuid uuid{};
  // The second one tells the parts of a divided card apart.
  const bool told =
      ask("cuDeviceGetUuid_v2", uuid.data(), device) || ask("cuDeviceGetUuid", uuid.data(), device);
  return told ? id_text(uuid) : std::to_string(place);
}

CudaCard card(int place) {
  int device = place;
  ask("cuDeviceGet", &device, place);
  CudaCard card{.id = id_of(device, place)};
  std::array<char, 256> text{};
  const auto room = static_cast<int>(text.size()) - 1;
  if (ask("cuDeviceGetName", text.data(), room, device)) card.name = text.data();
  if (ask("cuDeviceGetPCIBusId", text.data(), room, device)) card.address = text.data();
  ask("cuDeviceGetAttribute", &card.major, capability_major, device);
  ask("cuDeviceGetAttribute", &card.minor, capability_minor, device);
  int cache = 0;
  if (ask("cuDeviceGetAttribute", &cache, cache_size, device))
    card.cache_bytes = static_cast<std::size_t>(cache);
  return card;
}

}  // namespace

std::vector<CudaCard> cuda_cards() {
  int count = 0;
  if (!ask("cuInit", 0U) || !ask("cuDeviceGetCount", &count)) return {};
  std::vector<CudaCard> cards;
  for (int place = 0; place < count; ++place) cards.push_back(card(place));
  return cards;
}

std::string cuda_driver_version() {
  int version = 0;
  return ask("cuDriverGetVersion", &version) ? version_text(version) : "";
}

std::string cuda_runtime_version() {
  int version = 0;
  return call(RTLD_DEFAULT, "cudaRuntimeGetVersion", &version) ? version_text(version) : "";
}

}  // namespace gainsweep::execute
