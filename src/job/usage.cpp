#include "job/usage.hpp"

#include <algorithm>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>

#include "archive/field.hpp"

namespace gainsweep::job {
namespace {

constexpr std::chrono::milliseconds look_every{50};

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

disk::MemoryInUse larger(const disk::MemoryInUse& a, const disk::MemoryInUse& b) {
  return {std::max(a.anonymous, b.anonymous), std::max(a.mapped, b.mapped)};
}

}  // namespace

Meter::Meter() : thread_([this] { look(); }) {}

Meter::~Meter() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Meter::begin(const std::string& stage) {
  usage_ = {.stage = stage};
  energy_ = disk::energy_counters();
  {
    const std::lock_guard lock(mutex_);
    peak_ = disk::memory_in_use();
    measuring_ = true;
  }
  wake_.notify_one();
  processor_start_ = processor_seconds();
  start_ = std::chrono::steady_clock::now();
}

Usage Meter::end() {
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start_;
  usage_.wall_seconds = wall.count();
  usage_.processor_seconds = processor_seconds() - processor_start_;
  usage_.joules = disk::joules(energy_, disk::energy_counters());
  const std::lock_guard lock(mutex_);
  measuring_ = false;
  usage_.peak = larger(peak_, disk::memory_in_use());
  return usage_;
}

void Meter::look() {
  std::unique_lock lock(mutex_);
  while (!over_) {
    if (!measuring_) {
      wake_.wait(lock, [&] { return measuring_ || over_; });
      continue;
    }
    peak_ = larger(peak_, disk::memory_in_use());
    wake_.wait_for(lock, look_every, [&] { return over_; });
  }
}

std::string to_text(const std::vector<Usage>& usages) {
  auto list = nlohmann::json::array();
  for (const auto& usage : usages) {
    list.push_back({{"stage", usage.stage},
                    {"wall", usage.wall_seconds},
                    {"processor", usage.processor_seconds},
                    {"anonymous", usage.peak.anonymous},
                    {"mapped", usage.peak.mapped}});
    if (usage.joules) list.back()["joules"] = *usage.joules;
  }
  return list.dump();
}

std::vector<Usage> to_usages(const std::string& text) {
  std::vector<Usage> usages;
  for (const auto& item : nlohmann::json::parse(text)) {
    Usage usage{
        item["stage"], item["wall"], item["processor"], {item["anonymous"], item["mapped"]}, {}};
    if (item.contains("joules")) usage.joules = item["joules"].get<double>();
    usages.push_back(std::move(usage));
  }
  return usages;
}

archive::Table usage_table(const std::vector<std::vector<Usage>>& of_ranks) {
  std::vector<std::string> stages;
  std::vector<std::int64_t> ranks, anonymous, mapped;
  std::vector<double> wall, processor, joules;
  for (std::size_t rank = 0; rank < of_ranks.size(); ++rank)
    for (const auto& usage : of_ranks[rank]) {
      stages.push_back(usage.stage);
      ranks.push_back(static_cast<std::int64_t>(rank));
      wall.push_back(usage.wall_seconds);
      processor.push_back(usage.processor_seconds);
      anonymous.push_back(usage.peak.anonymous);
      mapped.push_back(usage.peak.mapped);
      joules.push_back(usage.joules.value_or(std::numeric_limits<double>::quiet_NaN()));
    }
  const archive::Axes axis{{"usage", stages.size()}};
  using archive::integers, archive::reals, archive::texts;
  return {"usage",
          "What the job that wrote the archive used, stage by stage and rank by rank",
          archive::Nature::measured,
          {texts("stage", stages, axis, "Name of the stage"),
           integers("rank", ranks, axis, "1", "Number of the rank"),
           reals("wall_seconds", wall, axis, "s", "Time that passed, waiting for others included"),
           reals("processor_seconds", processor, axis, "s", "Time of all threads"),
           integers("anonymous_bytes", anonymous, axis, "byte", "Most memory of its own at once"),
           integers("mapped_bytes", mapped, axis, "byte", "Most of mapped files in memory at once"),
           reals("joules", joules, axis, "J",
                 "Energy of the machine's processor packages meanwhile; NaN where it cannot be "
                 "read")}};
}

}  // namespace gainsweep::job
