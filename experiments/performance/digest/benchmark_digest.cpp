// Prints the time of digesting files, shared among the ranks of a node as a run shares it:
// benchmark_digest THREADS CACHE FILE... A CACHE of "none" remembers nothing.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "digest/file_set.hpp"
#include "parallel/comm.hpp"

namespace {

using namespace gainsweep;
using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

void digest_together(const parallel::Comm& node, int threads, const digest::Cache& cache,
                     const std::vector<std::filesystem::path>& paths) {
  node.barrier();
  const auto start = Clock::now();
  digest::FileSet files(paths, cache);
  for (const auto& known : node.gather(files.known())) files.learn(known);
  const auto part = static_cast<std::size_t>(node.rank());
  const auto parts = static_cast<std::size_t>(node.size());
  files.complete(node.gather(files.hash(part, parts, threads)), part == 0);
  const auto duration = milliseconds_since(start);
  if (!node.is_root()) return;
  std::uint64_t bytes = 0;
  for (const auto& path : paths) bytes += std::filesystem::file_size(path);
  std::printf("%zu ranks, %d threads: %.1f ms, %.2f GB/s\n", parts, threads, duration,
              static_cast<double>(bytes) / duration / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const parallel::Session session(argc, argv);
  try {
    if (argc < 4) throw Error(ErrorKind::config, "usage: benchmark_digest THREADS CACHE FILE...");
    const std::string folder = argv[2];
    const digest::Cache cache(folder == "none" ? std::nullopt
                                               : std::optional<std::filesystem::path>(folder));
    const auto node = parallel::Comm::world().node();
    digest_together(node, std::atoi(argv[1]), cache, {argv + 3, argv + argc});
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    parallel::abort(2);
  }
}
