#pragma once

#include <string>

#include "base/log.hpp"

namespace gainsweep::cli {

/// A line of the log as one JSON object, for log collectors: `time` (UTC, RFC 3339), `level`,
/// `rank`, `stage` and `unit` (null outside of them), `message`.
std::string json_line(const LogEntry& entry);

}  // namespace gainsweep::cli
