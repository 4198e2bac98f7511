#include "execute/cuda_library.hpp"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <cstdlib>
#include <vector>

#include "base/error.hpp"
#include "execute/cuda_driver.hpp"

namespace gainsweep::execute {
namespace {

namespace fs = std::filesystem;

constexpr const char* library_name = "libtorch_cuda.so";
constexpr const char* extension_name = "libgainsweep_cuda.so";

struct Opened {
  bool library = false;
  bool extension = false;
};

Opened& opened() {
  static Opened only;
  return only;
}

/// Opened for good: what it registers stays.
void open_file(const fs::path& file, const std::string& advice) {
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return;
  const std::string why = dlerror();
  throw Error(ErrorKind::environment, file.string() + " cannot be opened (" + why + "). " + advice);
}

[[noreturn]] void lacks(const fs::path& file, const std::string& what) {
  throw Error(ErrorKind::environment,
              file.string() + " lacks " + what + " (it brings no CUDA device to LibTorch " +
                  TORCH_VERSION + "). Install LibTorch's CUDA build as a whole");
}

void check_cards() {
  if (c10::impl::VirtualGuardImpl(at::kCUDA).deviceCount() > 0) return;
  const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
  const auto driver = cuda_driver_version();
  throw Error(ErrorKind::environment,
              "no CUDA card is visible to this process (" +
                  (driver.empty() ? std::string("no CUDA driver answers")
                                  : "the driver is for CUDA " + driver) +
                  ", CUDA_VISIBLE_DEVICES is " +
                  (visible == nullptr ? std::string("not set") : "'" + std::string(visible) + "'") +
                  "). Ask the scheduler for a card, or use device: cpu");
}

/// Beside the program, or where an installation has its libraries.
std::vector<fs::path> extension_places() {
  std::error_code ignored;
  const auto folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  return {folder / extension_name, folder.parent_path() / "lib/gainsweep" / extension_name};
}

void open_extension() {
  for (const auto& file : extension_places()) {
    if (!fs::exists(file)) continue;
    open_file(file, "Build it again with this LibTorch, or remove it");
    opened().extension = true;
    return;
  }
}

}  // namespace

std::string missing_cuda_library(const fs::path& folder) {
  if (opened().library || fs::exists(folder / library_name)) return "";
  return "no " + std::string(library_name) + " in " + folder.string() +
         ", where the LibTorch in use lies: it is a build for CPUs; LibTorch " TORCH_VERSION
         " for CUDA is needed, see docs/devices.md";
}

void open_cuda_library(const fs::path& folder) {
  if (opened().library) return;
  const auto file = folder / library_name;
  open_file(file,
            "It needs NVIDIA's libraries where that LibTorch expects them, and the very version of "
            "libtorch_cpu.so that is in use");
  if (!c10::impl::hasDeviceGuardImpl(at::kCUDA)) lacks(file, "a device guard");
  check_cards();
  // Without a card they would deny that they are there.
  if (!at::detail::getCUDAHooks().hasCUDA()) lacks(file, "hooks (CUDAHooks)");
  // What is called fp32 is fp32: convolutions would round its operands to TF32.
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
  open_extension();
  opened().library = true;
}

bool cuda_extension() {
  return opened().extension;
}

}  // namespace gainsweep::execute
