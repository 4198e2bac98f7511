#include "execute/libtorch_folder.hpp"

#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace gainsweep::execute {

std::filesystem::path libtorch_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &info) == 0) return {};
  return std::filesystem::absolute(info.dli_fname).parent_path();  // of libtorch_cpu.so
}

}  // namespace gainsweep::execute
