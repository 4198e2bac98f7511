#pragma once

#include <map>
#include <string>

#include "archive/table.hpp"
#include "job/ledger.hpp"

namespace gainsweep::cli {

/// What the archive of a run tells besides tables: spec as written, program, and, as measured, what
/// `machine` tells of it, ranks and times.
archive::Contents describe(const job::Ledger& ledger, const std::string& spec_text,
                           const std::map<std::string, std::string>& machine, int num_ranks);

/// Name and spec of a run as written, and the program that writes its archive.
std::map<std::string, std::string> describe(const std::string& name, const std::string& spec_text);

}  // namespace gainsweep::cli
