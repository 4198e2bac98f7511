// Opens the plug-in as a program does, between checks of what is there before and after.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "simulated_hpu/calls.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  at::set_num_threads(1);
  std::string folder = std::filesystem::temp_directory_path() / "simulated_hpu_XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 2;
  setenv("PT_HPU_RECIPE_CACHE_CONFIG", (folder + ",false,64").c_str(), 1);

  const bool was_there = c10::impl::hasDeviceGuardImpl(at::kHPU);
  const auto refusal = simulated_hpu::error_of(
      [] { at::empty({2}, at::TensorOptions().device(simulated_hpu::card)); });
  if (was_there || refusal.empty()) {
    std::fprintf(stderr, "an HPU is there before the plug-in is opened\n");
    return 1;
  }
  if (dlopen(SIMULATED_HPU, RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  const int failed = RUN_ALL_TESTS();
  std::filesystem::remove_all(folder);
  return failed;
}
