#pragma once

#include <string>

namespace gainsweep {

/// The rank that log lines name; set once at start-up. A single rank prints no prefix.
void set_log_rank(int rank, int num_ranks);

/// Prints one line on standard error, prefixed with the rank when there are several.
void log_line(const std::string& text);

}  // namespace gainsweep
