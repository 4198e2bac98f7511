#include <gtest/gtest.h>

#include <fstream>

#include "shared_folder.hpp"
#include "toy.hpp"

namespace gainsweep::job {
namespace {

using batch::Placement;
using parallel::Comm;

// The same links as one rank computes them.
std::vector<double> links_alone(std::size_t links) {
  std::vector<double> values;
  batch::Alone alone;
  for (std::size_t link = 0; link < links; ++link) {
    std::vector<std::vector<double>> shards;
    for (std::size_t s = 0; s < 8; ++s)
      shards.push_back({1.0 / static_cast<double>(3 * s + link + 1)});
    auto sum = batch::sum(alone, 8, shards).front();
    if (link > 0) sum += values.back() / 3;
    values.push_back(sum);
  }
  return values;
}

class ChainTest : public testing::TestWithParam<Placement> {
 protected:
  Ended run_links(std::size_t links) {
    done = 0;
    return run(comm, {folder.path()}, {experiment({chain(links, done, GetParam())})});
  }

  // Links that were worked on: each once, by all ranks or by one.
  int links_done() { return GetParam() == Placement::together ? done : total(comm, done); }

  std::size_t num_states() const {
    comm.barrier();
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator(folder.path() / "states"))
      ++count;
    comm.barrier();
    return count;
  }

  void for_states(const std::function<void(const std::filesystem::path&)>& act) {
    comm.barrier();
    if (comm.is_root()) {
      std::vector<std::filesystem::path> paths;
      for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "states"))
        paths.push_back(entry.path());
      for (const auto& path : paths) act(path);
    }
    comm.barrier();
  }

  const Comm comm = Comm::world();
  const SharedFolder folder{comm};
  int done = 0;
};

TEST_P(ChainTest, HasEqualBitsAtAnyNumberOfRanks) {
  EXPECT_EQ(run_links(5).values("chain"), links_alone(5));
  EXPECT_EQ(links_done(), 5);
}

TEST_P(ChainTest, GoesOnFromItsLastState) {
  run_links(2);
  EXPECT_EQ(num_states(), 1u);
  EXPECT_EQ(run_links(5).values("chain"), links_alone(5));
  EXPECT_EQ(links_done(), 3);
  EXPECT_EQ(num_states(), 1u);
}

TEST_P(ChainTest, IsDoneAgainWhereItsStateIsGone) {
  run_links(2);
  for_states([](const auto& path) { std::filesystem::remove(path); });
  EXPECT_EQ(run_links(3).values("chain"), links_alone(3));
  EXPECT_EQ(links_done(), 3);
}

TEST_P(ChainTest, OfAnotherArchiveIsDoneAgainWhereItHasToGoOn) {
  run_links(2);
  const SharedFolder other(comm);
  done = 0;
  const auto donor = read_donor(folder.path() / "archive.h5");
  EXPECT_EQ(
      run(comm, {other.path()}, {experiment({chain(2, done, GetParam())})}, donor).values("chain"),
      links_alone(2));
  EXPECT_EQ(links_done(), 0);
  EXPECT_EQ(
      run(comm, {other.path()}, {experiment({chain(3, done, GetParam())})}, donor).values("chain"),
      links_alone(3));
  EXPECT_EQ(links_done(), 3);
}

TEST_P(ChainTest, ADamagedStateEndsTheJobAndSaysWhatToDo) {
  if (comm.size() > 1 && GetParam() == Placement::anywhere)
    GTEST_SKIP() << "an error of one rank alone aborts all of them";
  run_links(2);
  for_states([](const auto& path) { std::ofstream(path, std::ios::app) << "!"; });
  try {
    run_links(3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    EXPECT_NE(std::string(error.what()).find("is damaged. Remove it"), std::string::npos)
        << error.what();
  }
  for_states([](const auto& path) { std::filesystem::remove(path); });
  EXPECT_EQ(run_links(3).values("chain"), links_alone(3));
}

INSTANTIATE_TEST_SUITE_P(Placements, ChainTest,
                         testing::Values(Placement::anywhere, Placement::together),
                         [](const auto& placed) {
                           return placed.param == Placement::together ? "together" : "anywhere";
                         });

}  // namespace
}  // namespace gainsweep::job
