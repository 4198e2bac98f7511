#pragma once

#include <string>
#include <vector>

namespace gainsweep::timing_table {

/// The cells of each line of a CSV text; a cell in double quotes may hold commas, and "" stands for
/// one quote. Lines end with a newline, with or without a carriage return.
std::vector<std::vector<std::string>> parse_csv(const std::string& text);

}  // namespace gainsweep::timing_table
