#include "simulated_hpu/card.hpp"

#include <c10/util/hash.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "simulated_hpu/counters.hpp"

namespace simulated_hpu {
namespace {

using Seconds = std::chrono::duration<double>;

double number(const char* variable, double otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::atof(text);
}

std::string word(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? "" : text;
}

// Small graphs, so slow a card that tests see its time beside the host's.
constexpr double default_tflops = 0.0005, default_gbps = 0.2;
constexpr double default_launch_us = 20, default_compile_ms = 40;

}  // namespace

Card& card() {
  static Card only;
  return only;
}

void Card::acquire() {
  if (acquired_) return;
  acquired_ = true;
  lazy_ = number("PT_HPU_LAZY_MODE", 1) != 0;
  on_host_ = word("PT_HPU_PLACE_ON_CPU");
  module_ = static_cast<std::int64_t>(number("HLS_MODULE_ID", -1));
  forgets_ = std::getenv("SIMULATED_HPU_FORGETS") != nullptr;
  const auto cache = word("PT_HPU_RECIPE_CACHE_CONFIG");
  recipe_folder_ = cache.substr(0, cache.find(','));
  if (!recipe_folder_.empty()) std::filesystem::create_directories(recipe_folder_);
  flops_ = number("SIMULATED_HPU_TFLOPS", default_tflops) * 1e12;
  bytes_ = number("SIMULATED_HPU_GBPS", default_gbps) * 1e9;
  launch_ = number("SIMULATED_HPU_LAUNCH_US", default_launch_us) * 1e-6;
  compile_ = number("SIMULATED_HPU_COMPILE_MS", default_compile_ms) * 1e-3;
}

// Empty: any; `none`: none; else those of the list.
bool Card::places_on_host(const std::string& op) const {
  if (on_host_.empty()) return true;
  const auto name = op.substr(op.find("::") + 2);
  return ("," + on_host_ + ",").find("," + name + ",") != std::string::npos;
}

void Card::issue(const Work& work) {
  const std::scoped_lock lock(mutex_);
  acquire();
  ++counters().issued;
  pending_ = c10::hash_combine(pending_, std::hash<std::string>()(work.signature));
  pending_seconds_ += std::max(work.flops / (flops_ * work.rate), work.bytes / bytes_);
  if (!lazy_) launch();
}

Clock::time_point Card::step() {
  const std::scoped_lock lock(mutex_);
  acquire();
  launch();
  return free_at_;
}

void Card::step_and_wait() {
  wait(step());
}

void Card::wait(Clock::time_point until) {
  std::this_thread::sleep_until(until);
}

bool Card::busy() {
  const std::scoped_lock lock(mutex_);
  return pending_ != 0 || Clock::now() < free_at_;
}

double Card::busy_seconds() {
  const std::scoped_lock lock(mutex_);
  return busy_seconds_;
}

// A recipe of the folder was compiled by a process before this one.
bool Card::must_compile(const std::string& recipe) {
  if (!recipes_.insert(recipe).second) return false;
  if (recipe_folder_.empty()) return true;
  const auto path = recipe_folder_ + "/" + recipe + "_simulated.recipe";
  if (std::filesystem::exists(path)) return false;
  std::ofstream(path) << recipe << "\n";
  std::ofstream(recipe_folder_ + "/" + recipe + "_simulated.metadata") << recipe << "\n";
  return true;
}

void Card::launch() {
  if (pending_ == 0) return;
  const auto stem = std::to_string(pending_);
  const auto again = forgets_ ? "_" + std::to_string(counters().launches) : "";
  if (must_compile(stem + again)) {
    ++counters().compilations;
    std::this_thread::sleep_for(Seconds(compile_));
  }
  ++counters().launches;
  const double seconds = launch_ + pending_seconds_;
  busy_seconds_ += seconds;
  free_at_ = std::max(Clock::now(), free_at_) +
             std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
  pending_ = 0;
  pending_seconds_ = 0;
}

}  // namespace simulated_hpu
