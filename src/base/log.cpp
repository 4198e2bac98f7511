#include "base/log.hpp"

#include <iostream>

namespace gainsweep {
namespace {
std::string prefix;
}

void set_log_rank(int rank, int num_ranks) {
  prefix = num_ranks > 1 ? "[rank " + std::to_string(rank) + "] " : "";
}

void log_line(const std::string& text) {
  std::cerr << prefix + text + "\n" << std::flush;
}

}  // namespace gainsweep
