#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <sched.h>
#include <torch/version.h>

#include <fstream>

#include "base/error.hpp"
#include "execute/kernels.hpp"
#include "execute/state.hpp"

namespace gainsweep::execute {
namespace {

/// Processors this process may run on; nothing where the mask is too long to read.
std::optional<std::int64_t> allowed_processors() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return std::nullopt;
  return CPU_COUNT(&mask);
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "cpu";
}

/// The number in LibTorch's sentence "… v3.12.0 (Git Hash …)", or all of it in other words.
std::string onednn_version() {
  const auto sentence = at::get_mkldnn_version();
  const auto begin = sentence.find(" v");
  if (begin == std::string::npos) return sentence;
  return sentence.substr(begin + 2, sentence.find(' ', begin + 2) - begin - 2);
}

std::string capability() {
  return at::get_cpu_capability() + "; oneDNN: " + onednn_instruction_set();
}

}  // namespace

void start(Device device, std::int64_t threads, std::size_t index) {
  take_device(device, index);
  const auto allowed = allowed_processors();
  if (allowed && threads > *allowed) {
    throw Error(ErrorKind::environment,
                std::to_string(threads) + " threads on " + std::to_string(*allowed) +
                    " processors (this process's affinity mask holds no more). Ask for fewer "
                    "threads, or launch with `mpirun --bind-to none`");
  }
  at::set_num_threads(static_cast<int>(threads));
}

Environment environment(Device device) {
  return {.torch_version = std::string(TORCH_VERSION) + ", oneDNN " + onednn_version(),
          .device_name = device == Device::cpu ? processor_name() : spelling(device),
          .instruction_set = capability(),
          .threads = at::get_num_threads()};
}

}  // namespace gainsweep::execute
