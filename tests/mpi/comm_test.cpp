#include "parallel/comm.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <mpi.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "parallel/handle.hpp"
#include "unit/throws.hpp"

// Between two collectives only checks that do not leave the test, or checks of values that are
// equal on all ranks: a rank that leaves early would hang the others.

namespace {
std::atomic<bool> broken{false};
}

/// MPI's profiling interface: this definition stands before the library's and fails on demand.
extern "C" int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) {
  return broken ? MPI_ERR_COMM : PMPI_Ibarrier(comm, request);
}

namespace gainsweep::parallel {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A text of its own for each rank, of a length of its own, with every byte value in it.
std::string text_of(int rank) {
  std::string text;
  for (int i = 0; i < 1000 * (rank + 1); ++i) text += static_cast<char>(i * 7 + rank);
  return text;
}

TEST(Comm, KnowsItsPlace) {
  const auto comm = Comm::world();
  EXPECT_GE(comm.rank(), 0);
  EXPECT_LT(comm.rank(), comm.size());
  EXPECT_EQ(comm.is_root(), comm.rank() == 0);
}

TEST(Comm, ABarrierWaitsForTheLastRank) {
  const auto comm = Comm::world();
  // The ranks share a machine, so they share its clock.
  const auto now = [] { return Clock::now().time_since_epoch().count(); };
  if (comm.rank() == comm.size() - 1) std::this_thread::sleep_for(200ms);
  const auto entered = now();
  comm.barrier();
  const auto left = now();
  for (const auto& other : comm.gather(std::to_string(entered)))
    EXPECT_GE(left, std::stoll(other)) << "this rank left before another entered";
}

TEST(Comm, AllOfNeedsEveryRank) {
  const auto comm = Comm::world();
  EXPECT_TRUE(comm.all_of(true));
  EXPECT_FALSE(comm.all_of(false));
  for (int rank = 0; rank < comm.size(); ++rank)
    EXPECT_FALSE(comm.all_of(comm.rank() != rank)) << "rank " << rank << " says no";
}

TEST(Comm, BroadcastsTheRootsText) {
  const auto comm = Comm::world();
  EXPECT_EQ(comm.broadcast(text_of(comm.rank())), text_of(0));
  EXPECT_EQ(comm.broadcast(comm.is_root() ? "" : "something else"), "");
}

TEST(Comm, BroadcastsLargeTexts) {
  const auto comm = Comm::world();
  std::string large;
  if (comm.is_root()) {
    large.resize(50'000'001);
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i ^ (i >> 8));
  }
  const auto received = comm.broadcast(large);
  EXPECT_EQ(received.size(), 50'000'001u);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < received.size(); ++i)
    wrong += received[i] != static_cast<char>(i ^ (i >> 8)) ? 1 : 0;
  EXPECT_EQ(wrong, 0u);
}

TEST(Comm, GathersTextsInRankOrderOnEveryRank) {
  const auto comm = Comm::world();
  const auto texts = comm.gather(text_of(comm.rank()));
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(comm.size()));
  for (std::size_t rank = 0; rank < texts.size(); ++rank)
    EXPECT_EQ(texts[rank], text_of(static_cast<int>(rank)));
  // Only one rank has something to say.
  const int last = comm.size() - 1;
  const auto sparse = comm.gather(comm.rank() == last ? "x" : "");
  for (std::size_t rank = 0; rank < sparse.size(); ++rank)
    EXPECT_EQ(sparse[rank], static_cast<int>(rank) == last ? "x" : "");
}

TEST(Comm, CountsBytesUpToMpisLimit) {
  EXPECT_EQ(count_of(0), 0);
  EXPECT_EQ(count_of(2'147'483'647ULL), 2'147'483'647);
  for (const auto bytes : {2'147'483'648ULL, 4'294'967'296ULL, 4'294'967'297ULL, ~0ULL})
    EXPECT_ERROR(count_of(bytes), ErrorKind::internal, "too long to cross ranks") << bytes;
}

TEST(Comm, SeveralLiveSideBySide) {
  const auto first = Comm::world();
  auto second = Comm::world();
  const auto moved = std::move(second);
  EXPECT_EQ(first.broadcast("a"), "a");
  EXPECT_EQ(moved.broadcast("b"), "b");
  EXPECT_EQ(moved.size(), first.size());
}

TEST(Comm, TheRanksOfANodeHaveACommunicator) {
  const auto comm = Comm::world();
  const auto node = comm.node();
  // The test's ranks run on one machine.
  EXPECT_EQ(node.size(), comm.size());
  EXPECT_EQ(node.rank(), comm.rank());
  EXPECT_EQ(node.gather(text_of(comm.rank())), comm.gather(text_of(comm.rank())));
}

TEST(Comm, AFailingCallIsAnErrorThatNamesIt) {
  const auto comm = Comm::world();
  broken = true;
  try {
    comm.barrier();
    ADD_FAILURE() << "the failure was not seen";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    EXPECT_NE(std::string(error.what()).find("MPI_Ibarrier failed (MPI_ERR_COMM"),
              std::string::npos)
        << error.what();
  }
  broken = false;
  comm.barrier();
}

TEST(Comm, MpiReturnsErrorsInsteadOfAborting) {
  const auto comm = Comm::world();
  int value = 0;
  EXPECT_NE(MPI_Send(&value, 1, MPI_INT, comm.size(), 0, MPI_COMM_WORLD), MPI_SUCCESS)
      << "there is no such rank";
  comm.barrier();
}

TEST(Session, LeavesCrashesAlone) {
  // A death that first prints a stack may wait for a lock that the crash left behind.
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGSEGV}) {
    struct sigaction action {};
    ASSERT_EQ(sigaction(signal, nullptr, &action), 0);
    Dl_info owner{};
    if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN)
      dladdr(reinterpret_cast<void*>(action.sa_handler), &owner);
    const std::string library = owner.dli_fname == nullptr ? "" : owner.dli_fname;
    EXPECT_EQ(library.find("open-pal"), std::string::npos) << library << ", signal " << signal;
  }
}

TEST(Comm, AWaitingRankIsIdle) {
  const auto comm = Comm::world();
  comm.barrier();
  const double before = cpu_seconds();
  const auto start = Clock::now();
  if (comm.is_root()) std::this_thread::sleep_for(1s);
  comm.barrier();
  EXPECT_GE(seconds_since(start), 0.5) << "there was nothing to wait for";
  EXPECT_LT(cpu_seconds() - before, 0.2) << "of a wait of 1 s";
}

/// Run by comm_test.tagged_failure alone, which expects its message.
TEST(Tagged, DISABLED_FailsOnTheLastRank) {
  const auto comm = Comm::world();
  EXPECT_NE(comm.rank(), comm.size() - 1);
}

}  // namespace
}  // namespace gainsweep::parallel
