// What sharing out units costs: empty units through parallel::Sharing, and through storing too.
//
//   mpirun -np N benchmark_sharing [UNITS] [FOLDER]
//
// With a FOLDER every unit also leaves a record of 1 KiB, which parts hold; the root then merges
// them into an archive. One JSON object on standard output.

#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>

#include "archive/archive.hpp"
#include "archive/parts.hpp"
#include "digest/digest.hpp"
#include "parallel/agree.hpp"
#include "parallel/sharing.hpp"

namespace {

using namespace gainsweep;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double peak_mebibytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// As real ones: a digest as key, and values that do not compress.
archive::Record record_of(std::size_t unit) {
  std::mt19937_64 random(unit);
  std::vector<double> values(128);
  for (double& value : values) value = std::ldexp(static_cast<double>(random() >> 11), -53);
  return {"units",
          archive::Nature::deterministic,
          digest::of_text(std::to_string(unit)),
          unit,
          {{"value", std::move(values), {128}, "1", "Something to store", {"item"}}}};
}

struct Shared {
  double seconds = 0;
  std::size_t requests = 0;  // of all ranks
};

Shared share(const parallel::Comm& comm, std::size_t num_units, archive::PartWriter* parts) {
  comm.barrier();
  const auto start = Clock::now();
  std::size_t requests = 0;
  parallel::Sharing sharing(comm, num_units);
  for (; const auto range = sharing.next(); ++requests)
    if (parts)
      for (auto unit = range->first; unit < range->last; ++unit) parts->add(record_of(unit));
  if (parts) parts->flush();
  sharing.finish();
  Shared shared{seconds_since(start), 0};
  for (const auto& text : comm.gather(std::to_string(requests)))
    shared.requests += std::stoul(text);
  return shared;
}

void tell_merge(const std::filesystem::path& folder) {
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder / "parts"))
    ++files;
  const auto start = Clock::now();
  auto stored = archive::read_parts(folder);
  const double read = seconds_since(start);
  archive::write(folder / "archive.h5", {{}, {}, archive::stack(std::move(stored.records))});
  std::cout << ", \"parts\": " << files << ", \"read_seconds\": " << read
            << ", \"merge_seconds\": " << seconds_since(start)
            << ", \"archive_bytes\": " << std::filesystem::file_size(folder / "archive.h5");
}

}  // namespace

int main(int argc, char** argv) {
  const parallel::Session session(argc, argv);
  const auto comm = parallel::Comm::world();
  const std::size_t num_units = argc > 1 ? std::stoul(argv[1]) : 100'000;
  const auto empty = share(comm, num_units, nullptr);
  if (comm.is_root())
    std::cout << "{\"ranks\": " << comm.size() << ", \"units\": " << num_units
              << ", \"share_seconds\": " << empty.seconds << ", \"microseconds_per_unit\": "
              << 1e6 * empty.seconds / static_cast<double>(num_units)
              << ", \"requests\": " << empty.requests;
  if (argc > 2) {
    const std::filesystem::path folder = argv[2];
    parallel::together(comm, [&] {
      if (comm.is_root()) std::filesystem::remove_all(folder);
    });
    archive::PartWriter parts(folder);
    const auto stored = share(comm, num_units, &parts);
    if (comm.is_root()) {
      std::cout << ", \"store_seconds\": " << stored.seconds;
      tell_merge(folder);
    }
    comm.barrier();
  }
  if (comm.is_root()) std::cout << ", \"root_peak_mib\": " << peak_mebibytes() << "}\n";
  comm.barrier();
  return 0;
}
