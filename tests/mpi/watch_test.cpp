#include "job/watch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "archive/parts.hpp"
#include "shared_folder.hpp"

namespace gainsweep::job {
namespace {

using namespace std::chrono_literals;

/// Distinct over ranks and kinds.
batch::Ticket unit(const std::string& kind, int rank, std::size_t order) {
  batch::Ticket made;
  made.table = kind;
  made.label = kind + " " + std::to_string(rank) + "." + std::to_string(order);
  made.key = made.label;
  made.order = order;
  return made;
}

archive::Record record(const batch::Ticket& of) {
  return {
      of.table,
      of.nature,
      of.key,
      of.order,
      {{"value", std::vector<double>{static_cast<double>(of.order)}, {}, "1", "Its order", {}}}};
}

// Work as in a run, while another thread rescues what is buffered and failures of its own, as the
// watch does at a signal.
TEST(Watch, RescuesBesideTheWorkLoseNothing) {
  const auto comm = parallel::Comm::world();
  const SharedFolder folder(comm);
  constexpr std::size_t num_rounds = 4, num_units = 40, num_rescues = 30;
  std::size_t num_known = 0;
  {
    Store store(comm, folder.path(), false);
    Watch watch(comm.rank(), folder.path(), store, 3600.0);
    std::thread rescuer([&] {
      for (std::size_t i = 0; i < num_rescues; ++i)
        store.rescue(
            batch::failure(unit("rescued", comm.rank(), i), "score", "the test asks for it"));
    });
    watch.enter("score");
    for (std::size_t round = 0; round < num_rounds; ++round) {
      for (std::size_t i = 0; i < num_units; ++i) {
        const auto made = unit("done", comm.rank(), round * num_units + i);
        watch.begin(made);
        watch.end(Watch::Ended::done);
        store.add(record(made));
      }
      store.exchange();
    }
    rescuer.join();
    store.exchange();
    num_known = store.results().size();
  }
  const auto size = static_cast<std::size_t>(comm.size());
  // A rank stores its own rescued units without knowing them: it is about to end.
  EXPECT_EQ(num_known, size * num_rounds * num_units + (size - 1) * num_rescues);
  comm.barrier();
  const auto stored = archive::read_parts(folder.path());
  EXPECT_EQ(stored.records.size(), size * (num_rounds * num_units + num_rescues));
  EXPECT_TRUE(stored.damaged.empty());
  const auto told = read_activities(folder.path());
  ASSERT_EQ(told.size(), size);
  for (const auto& activity : told) EXPECT_EQ(activity.done, num_rounds * num_units);
}

// The work itself tells only when it enters a stage.
TEST(Watch, TellsTheRunningUnitFromItsOwnThread) {
  const auto comm = parallel::Comm::world();
  const SharedFolder folder(comm);
  Store store(comm, folder.path(), false);
  Watch watch(comm.rank(), folder.path(), store, std::nullopt);
  const auto running = unit("long", comm.rank(), 0);
  watch.begin(running);
  const auto told = [&] {
    for (const auto& activity : read_activities(folder.path()))
      if (activity.rank == comm.rank() && activity.unit == running.label) return true;
    return false;
  };
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!told() && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(told());
}

}  // namespace
}  // namespace gainsweep::job
