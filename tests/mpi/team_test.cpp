#include "job/team.hpp"

#include <gtest/gtest.h>

#include "parallel/agree.hpp"
#include "shared_folder.hpp"
#include "toy.hpp"

namespace gainsweep::job {
namespace {

using batch::Placement;
using parallel::Comm;

class TeamTest : public testing::Test {
 protected:
  /// A unit of all ranks of which one leaves in some way.
  Ended run_with(Work work) {
    std::vector<batch::Unit> units{unit("all", 0, std::move(work), Placement::together),
                                   unit(
                                       "all", 1,
                                       [](batch::Context& context) -> batch::Product {
                                         return number(static_cast<double>(
                                             context.team.gather(std::vector<double>{1}).size()));
                                       },
                                       Placement::together)};
    return run(
        comm, {folder.path()},
        {experiment({stage("all", [&](const batch::Results&) { return batch::Call{units}; })})});
  }

  std::string reason(const Ended& ended) const {
    return archive::texts(archive::table(ended.contents, "failures").fields, "reason").at(0);
  }

  bool is_last() const { return comm.rank() == comm.size() - 1; }

  const Comm comm = Comm::world();
  const SharedFolder folder{comm};
  const std::vector<double> numbers{1, 2};
};

TEST_F(TeamTest, GathersNumbersOfDifferentCountsInRankOrder) {
  const std::vector<double> own(static_cast<std::size_t>(comm.rank()), comm.rank());
  const auto all = comm.gather(own);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(comm.size()));
  for (std::size_t rank = 0; rank < all.size(); ++rank)
    EXPECT_EQ(all[rank], std::vector<double>(rank, static_cast<double>(rank)));
}

TEST_F(TeamTest, AFailureOfOneRankEndsTheUnitOnAll) {
  const auto ended = run_with([this](batch::Context& context) -> batch::Product {
    context.team.gather(numbers);
    if (is_last()) throw Error(ErrorKind::input, "shard 7 cannot be read");
    context.team.gather(numbers);
    context.team.gather(numbers);
    return number(1);
  });
  EXPECT_EQ(ended.outcome, Outcome::failed);
  EXPECT_EQ(reason(ended), "all 0: shard 7 cannot be read");
  EXPECT_EQ(ended.values("all"), std::vector<double>{static_cast<double>(comm.size())});
}

TEST_F(TeamTest, AFailureAfterTheLastStepEndsTheUnitOnAll) {
  const auto ended = run_with([this](batch::Context& context) -> batch::Product {
    context.team.gather(numbers);
    if (is_last()) throw Error(ErrorKind::input, "no memory for the result");
    return number(1);
  });
  EXPECT_EQ(reason(ended), "all 0: no memory for the result");
}

TEST_F(TeamTest, TheLowestRankWithAReasonTellsIt) {
  const auto ended = run_with([this](batch::Context&) -> batch::Product {
    throw Error(ErrorKind::input, "rank " + std::to_string(comm.rank()));
  });
  EXPECT_EQ(reason(ended), "all 0: rank 0");
}

TEST_F(TeamTest, RanksThatTakeOtherStepsAreToldSo) {
  if (comm.size() == 1) GTEST_SKIP() << "one rank is always in step";
  const auto ended = run_with([this](batch::Context& context) -> batch::Product {
    if (!is_last()) context.team.gather(numbers);
    return number(1);
  });
  EXPECT_NE(reason(ended).find("takes another number of steps on another rank"), std::string::npos)
      << reason(ended);
}

TEST_F(TeamTest, AnErrorOfTheEnvironmentEndsTheJobOnAllRanks) {
  for (const char* told : {"goes on with this one", "goes on without it"}) {
    try {
      run_with([this](batch::Context& context) -> batch::Product {
        if (is_last()) throw Error(ErrorKind::environment, "the device is lost.");
        context.team.gather(numbers);
        return number(1);
      });
      FAIL();
    } catch (const parallel::SharedError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::environment);
      EXPECT_NE(std::string(error.what()).find("all 0: the device is lost."), std::string::npos);
      EXPECT_NE(std::string(error.what()).find(told), std::string::npos) << error.what();
    }
    comm.barrier();
  }
  EXPECT_EQ(run_with([](batch::Context&) { return number(1); }).outcome, Outcome::failed);
}

}  // namespace
}  // namespace gainsweep::job
