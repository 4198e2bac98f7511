#include "timing_table/timing_table.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "base/text.hpp"
#include "config/reader.hpp"
#include "config/source.hpp"
#include "digest/digest.hpp"
#include "disk/file.hpp"
#include "timing_table/csv.hpp"

namespace gainsweep::timing_table {
namespace {

using config::Choice, config::Integer, config::Name, config::Patterns, config::Real,
    config::Section;

const std::vector<std::string> columns{"subgraph",  "formats",    "seconds", "saved",
                                       "saved_low", "saved_high", "samples"};
const std::vector<std::string> sources{"measured", "modelled", "estimated"};
constexpr std::size_t most_shown = 20;  // problems of a message

struct Header {
  std::int64_t schema = 1;
  TimingTable table;
  std::vector<std::string> software, method;
  std::string rows, digest;
};

Section describe(Header& header) {
  auto& table = header.table;
  return {{
      {"schema", "layout of the file", Integer{&header.schema, 1, 1}, "", "1"},
      {"device", "device that the times are of", Name{&table.device}, "", "gaudi2"},
      {"software", "versions and modes that they depend on", Patterns{&header.software, "texts"}},
      {"method", "how they were taken", Patterns{&header.method, "texts"}},
      {"source", "what they are",
       Choice{sources, [&table] { return table.source; },
              [&table](const std::string& name) { table.source = name; }},
       "", "measured"},
      {"workload", "what was run",
       Section{{{"batch", "number of sequences", Integer{&table.batch, 1, 65536}, "", "1"},
                {"length", "length of each", Integer{&table.length, 1, 1048576}, "tokens", "1024"},
                {"high", "format of what is not lowered", Name{&table.high}, "", "bf16"}}}},
      {"all_high_seconds", "time of the whole all-high model",
       Real{&table.all_high_seconds, 0, 1e6}, "s", "0.039"},
      {"rows", "CSV file beside this one", Name{&header.rows}, "", "times.csv"},
      {"sha256", "digest of that file", Name{&header.digest}, "", "0000"},
  }};
}

// What is wrong with rows, by line.
class RowProblems {
 public:
  explicit RowProblems(std::string file) : file_(std::move(file)) {}

  void add(std::size_t line, const std::string& what) {
    ++count_;
    if (count_ <= most_shown)
      text_ += (text_.empty() ? "" : "\n") + file_ + ":" + std::to_string(line) + ": " + what;
  }

  void throw_if_any() const {
    if (count_ == 0) return;
    throw Error(
        ErrorKind::config,
        text_ +
            (count_ > most_shown ? "\nand " + std::to_string(count_ - most_shown) + " more" : ""));
  }

 private:
  std::string file_, text_;
  std::size_t count_ = 0;
};

bool parse(const std::string& text, double& number) {
  const auto* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc() && result.ptr == end && std::isfinite(number);
}

Row to_row(const std::vector<std::string>& cells, std::size_t line, RowProblems& problems) {
  Row row{cells[0], split(cells[1], ','), 0, 0, 0, 0, 0};
  double samples = 0;
  double* const numbers[] = {&row.seconds, &row.saved, &row.saved_low, &row.saved_high, &samples};
  for (std::size_t i = 0; i < std::size(numbers); ++i)
    if (!parse(cells[i + 2], *numbers[i]))
      problems.add(line, "'" + cells[i + 2] + "' is no number (" + columns[i + 2] +
                             "). Write one with a decimal point.");
  row.samples = static_cast<std::int64_t>(samples);
  if (row.seconds <= 0) problems.add(line, "no time at all (seconds). Write one above 0.");
  if (row.saved_low > row.saved || row.saved > row.saved_high)
    problems.add(line, "saved_low <= saved <= saved_high does not hold. Correct it.");
  return row;
}

bool is_high(const Row& row, const std::string& high) {
  return std::all_of(row.formats.begin(), row.formats.end(),
                     [&](const auto& format) { return format == high; });
}

void check(const TimingTable& table, const std::vector<std::size_t>& lines, RowProblems& problems) {
  std::map<std::pair<std::string, std::vector<std::string>>, std::size_t> seen;
  std::map<std::string, std::pair<std::size_t, bool>> subgraphs;  // first line, all-high is there
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto& row = table.rows[i];
    const auto [first, is_new] = seen.try_emplace({row.subgraph, row.formats}, lines[i]);
    if (!is_new)
      problems.add(lines[i], "sub-graph and formats of line " + std::to_string(first->second) +
                                 ". Remove one of the two.");
    auto& known = subgraphs.try_emplace(row.subgraph, lines[i], false).first->second;
    if (!is_high(row, table.high)) continue;
    known.second = true;
    if (row.saved_low != 0 || row.saved_high != 0)
      problems.add(lines[i],
                   "the all-high configuration saves something (it is what others are "
                   "compared with). Write 0.");
  }
  for (const auto& [name, known] : subgraphs)
    if (!known.second)
      problems.add(known.first, "the sub-graph has no row of " + table.high +
                                    " alone, which the others are compared with. Add it.");
}

void read_rows(TimingTable& table, const std::string& text, const std::string& file) {
  RowProblems problems(file);
  const auto cells = parse_csv(text);
  if (cells.empty() || cells.front() != columns)
    throw Error(ErrorKind::config,
                file + ":1: other columns than " + join(columns) + ". Write these, in this order.");
  std::vector<std::size_t> lines;
  for (std::size_t i = 1; i < cells.size(); ++i) {
    if (cells[i].size() != columns.size()) {
      problems.add(i + 1, std::to_string(cells[i].size()) + " cells for " +
                              std::to_string(columns.size()) + " columns. Write all of them.");
      continue;
    }
    table.rows.push_back(to_row(cells[i], i + 1, problems));
    lines.push_back(i + 1);
  }
  check(table, lines, problems);
  problems.throw_if_any();
}

}  // namespace

TimingTable read(const std::filesystem::path& path) {
  const auto source = config::load(path, {}, "a timing table");
  config::Problems problems(source.name, {}, {"a timing table", "what `timings export` writes"});
  Header header;
  const auto document = config::parse_document(source.text, problems);
  if (document) {
    const auto root = describe(header);
    config::Reader reader(root, {}, problems);
    reader.read(root, *document, "", document->line);
  }
  problems.throw_if_any();
  auto& table = header.table;
  const auto file = path.parent_path() / header.rows;
  const auto text = disk::read_text(file);
  table.digest = digest::of_text(text);
  if (table.digest != header.digest)
    throw Error(ErrorKind::config, file.string() + " is not the file that " + source.name +
                                       " was written with (its SHA-256 is " + table.digest +
                                       ", sha256 says " + header.digest +
                                       "). Take both from one export.");
  read_rows(table, text, file.string());
  return table;
}

}  // namespace gainsweep::timing_table
