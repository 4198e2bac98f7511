#include "parallel/sharing.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <set>
#include <sstream>
#include <thread>

namespace gainsweep::parallel {
namespace {

using namespace std::chrono_literals;

std::string join(const std::vector<std::size_t>& indices) {
  std::ostringstream text;
  for (const auto index : indices) text << index << " ";
  return text.str();
}

std::vector<std::size_t> split(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::size_t> indices;
  for (std::size_t index; stream >> index;) indices.push_back(index);
  return indices;
}

// All units this rank is handed; `work` is done for each.
std::vector<std::size_t> take_all(Sharing& sharing, const std::function<void()>& work = {}) {
  std::vector<std::size_t> taken;
  while (const auto range = sharing.next())
    for (auto i = range->first; i < range->last; ++i) {
      taken.push_back(i);
      if (work) work();
    }
  return taken;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

TEST(Sharing, HandsOutEveryUnitOnce) {
  const auto comm = Comm::world();
  std::mt19937 random(7);
  for (std::size_t trial = 0; trial < 40; ++trial) {
    const std::size_t num_units = trial < 6 ? trial : random() % 3'000;
    Sharing sharing(comm, num_units);
    const auto mine = take_all(sharing);
    EXPECT_FALSE(sharing.finish());
    std::vector<std::size_t> all;
    for (const auto& text : comm.gather(join(mine)))
      for (const auto index : split(text)) all.push_back(index);
    EXPECT_EQ(all.size(), num_units);
    EXPECT_EQ(std::set<std::size_t>(all.begin(), all.end()).size(), num_units);
    for (const auto index : all) EXPECT_LT(index, num_units);
  }
}

TEST(Sharing, HandsOutKindredUnitsInRows) {
  const auto comm = Comm::world();
  constexpr std::size_t alone = 5, num_units = 105;
  Sharing sharing(comm, num_units, {}, alone);
  std::size_t longest = 0, mine = 0;
  while (const auto range = sharing.next()) {
    if (range->first < alone) {
      EXPECT_LE(range->last, alone);
    }
    mine += range->last - range->first;
    longest = std::max(longest, range->last - range->first);
    std::this_thread::sleep_for(5ms);
  }
  sharing.finish();
  std::size_t all = 0, most = 0;
  for (const auto& text : comm.gather(std::to_string(mine))) all += std::stoul(text);
  for (const auto& text : comm.gather(std::to_string(longest)))
    most = std::max<std::size_t>(most, std::stoul(text));
  EXPECT_EQ(all, num_units);
  const auto rows = 2 * static_cast<std::size_t>(comm.size()) - 1;
  EXPECT_EQ(most, (num_units - alone + rows - 1) / rows);
}

TEST(Sharing, SlowRankTakesFewUnitsAndHoldsNobodyUp) {
  const auto comm = Comm::world();
  if (comm.size() == 1) GTEST_SKIP() << "one rank has nobody to be slower than";
  constexpr std::size_t num_units = 400;
  const int slow = comm.size() - 1;
  Sharing sharing(comm, num_units);
  const auto work = comm.rank() == slow ? 50ms : 5ms;
  const auto mine = take_all(sharing, [&] { std::this_thread::sleep_for(work); });
  sharing.finish();
  const auto counts = comm.gather(std::to_string(mine.size()));
  const auto of_slow = std::stoul(counts[static_cast<std::size_t>(slow)]);
  // Sharing in equal parts would give it num_units / size; its speed earns it a tenth of that of
  // another.
  EXPECT_LE(of_slow, num_units / static_cast<std::size_t>(comm.size()) / 3);
  EXPECT_GE(of_slow, 1U);
}

TEST(Sharing, BusyRootKeepsNobodyWaiting) {
  const auto comm = Comm::world();
  if (comm.size() == 1) GTEST_SKIP() << "nobody asks a single root";
  Sharing sharing(comm, 200);
  std::size_t mine = 0;
  if (comm.is_root()) {
    // Until the others have done everything the root is inside one unit.
    const auto range = sharing.next();
    EXPECT_TRUE(range);
    if (range) mine = range->last - range->first;
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (sharing.over() + mine < 200 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(1ms);
    EXPECT_EQ(sharing.over() + mine, 200U);
  } else {
    take_all(sharing);
  }
  sharing.finish();
}

TEST(Sharing, StopOfAnyRankStopsAll) {
  const auto comm = Comm::world();
  const int stopper = comm.size() - 1;
  std::atomic<std::size_t> done = 0;
  Sharing sharing(comm, 1'000'000, [&] { return comm.rank() == stopper && done >= 3; });
  take_all(sharing, [&] {
    ++done;
    std::this_thread::sleep_for(1ms);
  });
  EXPECT_TRUE(sharing.finish());
  EXPECT_LT(done, 100'000U);
}

TEST(Sharing, StopReachesAWorkingRankFromAnIdleOne) {
  const auto comm = Comm::world();
  if (comm.size() == 1) GTEST_SKIP() << "needs an idle rank";
  const auto start = std::chrono::steady_clock::now();
  const auto wanted = [&] {
    return comm.rank() == 1 && std::chrono::steady_clock::now() - start > 100ms;
  };
  Sharing sharing(comm, 1'000'000, wanted);
  std::size_t done = 0;
  if (comm.is_root()) done = take_all(sharing, [] { std::this_thread::sleep_for(2ms); }).size();
  EXPECT_TRUE(sharing.finish());
  EXPECT_LT(done, 100'000U);
}

TEST(Sharing, WaitingRanksAreIdle) {
  const auto comm = Comm::world();
  Sharing sharing(comm, 20);
  const auto start = std::chrono::steady_clock::now();
  const double used_before = cpu_seconds();
  // The root works by sleeping, so that its answering thread is all that it spends.
  if (comm.is_root()) take_all(sharing, [] { std::this_thread::sleep_for(100ms); });
  sharing.finish();
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
  EXPECT_LE((cpu_seconds() - used_before) / waited.count(), 0.02);
}

}  // namespace
}  // namespace gainsweep::parallel
