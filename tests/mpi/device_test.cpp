#include "parallel/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/agree.hpp"

namespace gainsweep::parallel {
namespace {

std::vector<std::string> numbered(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

// The test's ranks run on one machine, so a rank's place there is its number.
TEST(OwnDevice, IsAnotherOnEachRankOfANode) {
  const auto comm = Comm::world();
  EXPECT_EQ(own_device(comm, "cuda", numbered(comm.size())), static_cast<std::size_t>(comm.rank()));
  EXPECT_EQ(own_device(comm, "cuda", {std::to_string(comm.rank())}), 0u);
}

TEST(OwnDevice, IsRefusedOnAllRanksWhenTwoWouldShare) {
  const auto comm = Comm::world();
  if (comm.size() == 1) GTEST_SKIP() << "one rank shares with nobody";
  const auto last = std::to_string(comm.size() - 1);
  std::string message;
  try {
    own_device(comm, "hpu", numbered(comm.size() - 1));
  } catch (const SharedError& error) {
    message = error.what();
  }
  EXPECT_THAT(message, testing::HasSubstr("rank " + last + " and rank 0 on node "));
  EXPECT_THAT(message, testing::HasSubstr("would share hpu device 0"));
}

}  // namespace
}  // namespace gainsweep::parallel
