#include "spec/basics.hpp"

#include "execute/device.hpp"
#include "spec/choice.hpp"

namespace gainsweep::spec {
namespace {

constexpr std::int64_t most_threads = 4096;

std::vector<config::AbsentWord> devices_to_come() {
  return {
      {"cuda", "this version computes on cpu alone: it has neither a device nor a target for CUDA"},
      {"hpu", "this version computes on cpu alone: it has neither a device nor a target for Gaudi"},
  };
}

}  // namespace

config::Section describe(Basics& basics) {
  return {{
      {.name = "name",
       .help = "name of the experiment",
       .value = config::Name{&basics.name},
       .example = "embedded",
       .fixed = true},
      {"device", "device that numbers are computed and times measured on",
       choice(basics.device, execute::devices(), devices_to_come())},
      {"threads", "threads of one operator on one rank",
       config::Integer{&basics.threads, 1, most_threads}},
      {"seed", "seed of everything random",
       config::Integer{&basics.seed, 0, largest_exact_json_integer}},
  }};
}

}  // namespace gainsweep::spec
