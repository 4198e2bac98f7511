#include "timing_table/csv.hpp"

namespace gainsweep::timing_table {

std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> cells{""};
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      cells.back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else if (c == '\n' && !quoted) {
      lines.push_back(std::move(cells));
      cells = {""};
    } else if (c != '\r' || quoted) {
      cells.back() += c;
    }
  }
  if (cells.size() > 1 || !cells.front().empty()) lines.push_back(std::move(cells));
  return lines;
}

}  // namespace gainsweep::timing_table
