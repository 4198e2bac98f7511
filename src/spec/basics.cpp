#include "spec/basics.hpp"

#include "execute/device.hpp"
#include "spec/choice.hpp"

namespace gainsweep::spec {
namespace {

constexpr std::int64_t most_threads = 4096;
constexpr double bytes_of_gigabyte = 1e9;
constexpr double most_gigabytes = 1e6;
// The rest is left to the system and to mapped files.
constexpr double part_of_machine = 0.9;

// Fixed: a process drives its card in one way.
config::Section describe(execute::CudaSettings& cuda) {
  return {{
      {.name = "fast_accumulation",
       .help = "whether sums of fp8 products may be kept in fewer bits than fp32 has, which some "
               "cards do faster",
       .value = config::Flag{&cuda.fast_accumulation},
       .fixed = true},
      {.name = "graph",
       .help = "whether timed runs are captured as a CUDA graph and replayed: the host starts one "
               "thing instead of every kernel",
       .value = config::Flag{&cuda.graph},
       .fixed = true},
      {.name = "l2",
       .help = "what the card's last cache holds when a timed run begins: what the run before has "
               "left, or nothing of it (twice its size is written between runs)",
       .value = choice(cuda.l2),
       .fixed = true},
  }};
}

// Fixed: the bridge reads them once a process.
config::Section describe(execute::HpuSettings& hpu) {
  return {{
      {.name = "plugin",
       .help = "file of Intel's bridge to LibTorch; null for that of habana_frameworks where it "
               "is installed beside the LibTorch in use",
       .value = config::OptionalPath{&hpu.plugin},
       .fixed = true},
      {.name = "mode",
       .help = "how calls are run: collected and compiled as one graph, or one by one",
       .value = choice(hpu.mode),
       .fixed = true},
  }};
}

}  // namespace

std::int64_t node_memory(const Basics& basics, std::int64_t machine) {
  const double bytes = basics.memory_limit > 0 ? basics.memory_limit * bytes_of_gigabyte
                                               : static_cast<double>(machine) * part_of_machine;
  return static_cast<std::int64_t>(bytes);
}

config::Section describe(Basics& basics) {
  return {{
      {.name = "name",
       .help = "name of the experiment",
       .value = config::Name{&basics.name},
       .example = "embedded",
       .fixed = true},
      {"device", "device that numbers are computed and times measured on",
       choice(basics.device, execute::devices())},
      {"cuda", "how an NVIDIA card is driven, if it is the device", describe(basics.cuda), "", "",
       basics.device == "cuda"},
      {"hpu", "how a Gaudi is driven, if it is the device", describe(basics.hpu), "", "",
       basics.device == "hpu"},
      {"threads", "threads of one operator on one rank",
       config::Integer{&basics.threads, 1, most_threads}},
      {"seed", "seed of everything random",
       config::Integer{&basics.seed, 0, largest_exact_json_integer}},
      {"memory_limit",
       "memory that all ranks of a machine may own together, mapped checkpoints not counted; what "
       "cannot do with it is refused before any work, and freed memory is given back at once, "
       "which "
       "takes some time; 0 for nine tenths of what the machine or its "
       "control group has",
       config::Real{&basics.memory_limit, 0, most_gigabytes, /*above=*/false}, "GB"},
  }};
}

}  // namespace gainsweep::spec
