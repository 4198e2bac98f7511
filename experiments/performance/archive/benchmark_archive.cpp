// What an archive of many samples costs: that of a run with few samples, its scores replaced by
// made-up ones of the same shapes.
//
//   benchmark_archive store RUN.h5 FOLDER SAMPLES   the scores, as parts
//   benchmark_archive merge RUN.h5 FOLDER           the parts, as a run's root merges them
//   benchmark_archive read FOLDER                   the archive
//
// Each is a process of its own, which tells its own peak memory: one JSON object on standard
// output.

#include <sys/resource.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "archive/archive.hpp"
#include "archive/parts.hpp"
#include "archive/sweep.hpp"
#include "digest/digest.hpp"

namespace {

using namespace gainsweep;
using Clock = std::chrono::steady_clock;
using Path = std::filesystem::path;

/// Measures steps that follow each other.
class Laps {
 public:
  /// Prints the seconds since the last lap.
  void over(const std::string& step) {
    const auto start = std::exchange(start_, Clock::now());
    std::cout << "\"" << step
              << "_seconds\": " << std::chrono::duration<double>(start_ - start).count() << ", ";
  }

 private:
  Clock::time_point start_ = Clock::now();
};

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return 1.024e-3 * static_cast<double>(usage.ru_maxrss);
}

double megabytes(const Path& path) {
  return 1e-6 * static_cast<double>(std::filesystem::file_size(path));
}

/// Of a real sample's size and no easier to compress: its numbers with random factors. Its zeros
/// (step norms of floating formats) remain.
archive::Record made_up(archive::Record score, std::size_t sample) {
  std::mt19937_64 random(sample);
  std::lognormal_distribution<double> factor;
  score.key = digest::of_text(std::to_string(sample));
  score.order = sample;
  for (auto& field : score.fields) {
    if (auto* values = std::get_if<std::vector<double>>(&field.values))
      for (double& value : *values) value *= factor(random);
    else
      field.values = std::vector<std::int64_t>{static_cast<std::int64_t>(sample)};
  }
  return score;
}

/// What the run of a spec without a sweep found.
archive::Contents read_only_point(const Path& run) {
  return archive::select(archive::read(run), 0);
}

void store(const Path& run, const Path& folder, std::size_t num_samples) {
  std::filesystem::remove_all(folder);
  const auto score = archive::row(archive::table(read_only_point(run), "scores"), 0);
  std::size_t values = 0;
  for (const auto& field : score.fields)
    if (const auto* reals = std::get_if<std::vector<double>>(&field.values))
      values += reals->size();
  Laps laps;
  archive::PartWriter parts(folder);
  for (std::size_t sample = 0; sample < num_samples; ++sample) parts.add(made_up(score, sample));
  parts.flush();
  laps.over("make_and_store");
  double size = 0;
  for (const auto& name : parts.written()) size += megabytes(folder / "parts" / name);
  std::cout << "\"values_mb\": " << 8e-6 * static_cast<double>(values * num_samples)
            << ", \"parts\": " << parts.written().size() << ", \"parts_mb\": " << size;
}

void merge(const Path& run, const Path& folder) {
  auto contents = read_only_point(run);
  std::erase_if(contents.tables, [](const auto& table) { return table.path == "scores"; });
  Laps laps;
  const auto results = archive::read_parts(folder).records;
  laps.over("read_parts");
  for (auto& table : archive::stack(results)) contents.tables.push_back(std::move(table));
  laps.over("stack");
  archive::Gathering gathering;
  gathering.add({{}, {}, std::move(contents.tables)});
  contents.tables = std::move(gathering).finish();
  laps.over("gather");
  archive::write(folder / "archive.h5", contents);
  laps.over("write");
  std::cout << "\"archive_mb\": " << megabytes(folder / "archive.h5");
}

void read(const Path& folder) {
  Laps laps;
  const auto contents = archive::read(folder / "archive.h5");
  laps.over("read");
  std::cout << "\"samples\": " << archive::table(contents, "scores").fields.front().shape.front();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::string step = arguments.empty() ? "" : arguments[0];
  std::cout << "{";
  if (step == "store" && arguments.size() == 4)
    store(arguments[1], arguments[2], std::stoul(arguments[3]));
  else if (step == "merge" && arguments.size() == 3)
    merge(arguments[1], arguments[2]);
  else if (step == "read" && arguments.size() == 2)
    read(arguments[1]);
  else
    return 2;
  std::cout << ", \"peak_mb\": " << peak_megabytes() << "}\n";
  return 0;
}
