#include "cli/memory_limit.hpp"

#include <iomanip>
#include <sstream>

#include "base/error.hpp"
#include "disk/memory.hpp"

namespace gainsweep::cli {
namespace {

// What libraries set up when they are first used, graphs of programs, and records.
constexpr std::int64_t of_work = 12'000'000;

}  // namespace

std::int64_t rank_memory(const spec::Basics& spec, int ranks_of_machine) {
  const auto machine = spec.memory_limit > 0 ? 0 : disk::memory_of_machine();
  return spec::node_memory(spec, machine) / ranks_of_machine;
}

std::int64_t process_memory() {
  return disk::memory_in_use().anonymous + of_work;
}

batch::Memory held(const batch::Stage& stage, std::int64_t process) {
  auto memory = stage.memory();
  if (memory.rank_bytes > 0) memory.rank_bytes += process;
  return memory;
}

std::string excess(const std::string& stage, const batch::Memory& memory, std::int64_t allowed) {
  if (memory.rank_bytes <= allowed) return "";
  return "the stage " + stage + " needs about " + gigabytes(memory.rank_bytes) +
         " in each rank, and memory_limit allows a rank " + gigabytes(allowed) +
         " (mapped checkpoints are not counted). Raise memory_limit, start fewer ranks on a "
         "machine, or " +
         memory.ways_out;
}

void check_memory(const batch::Experiment& experiment, std::int64_t allowed, std::int64_t process) {
  for (const auto& stage : experiment.stages) {
    const auto what = excess(stage.name, held(stage, process), allowed);
    if (!what.empty()) throw Error(ErrorKind::config, what);
  }
}

std::string gigabytes(std::int64_t bytes) {
  std::ostringstream text;
  text << std::setprecision(3) << static_cast<double>(bytes) / 1e9 << " GB";
  return text.str();
}

}  // namespace gainsweep::cli
