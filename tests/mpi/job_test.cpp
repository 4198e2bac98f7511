#include "job/job.hpp"

#include <gtest/gtest.h>

#include "job/standing.hpp"
#include "parallel/agree.hpp"
#include "shared_folder.hpp"
#include "toy.hpp"
#include "unit/throws.hpp"

namespace gainsweep::job {
namespace {

using batch::Placement;
using parallel::Comm;

std::vector<double> square_numbers(std::size_t count) {
  std::vector<double> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(static_cast<double>(i * i));
  return numbers;
}

class JobTest : public testing::Test {
 protected:
  Options options() const { return {folder.path()}; }

  const Comm comm = Comm::world();
  const SharedFolder folder{comm};
  int done = 0;  // units that this process did
};

TEST_F(JobTest, EveryUnitIsDoneOnce) {
  const auto ended = run(comm, options(), {experiment({squares(100, done)})});
  EXPECT_EQ(ended.outcome, Outcome::done);
  EXPECT_EQ(ended.values("squares"), square_numbers(100));
  EXPECT_EQ(total(comm, done), 100);
}

TEST_F(JobTest, UnitsKnowTheKinThatComesNext) {
  std::vector<std::pair<std::string, std::vector<std::string>>> seen;
  const auto kindred = stage("kindred", [&](const batch::Results&) {
    batch::Call call;
    for (std::size_t i = 0; i < 12; ++i) {
      auto made = unit("kindred", i, {});
      if (i >= 4) made.kin = std::string(i % 3 + 1, 'a') + static_cast<char>('b' + i);
      made.work = [&, kin = made.kin, i](batch::Context& context) {
        seen.emplace_back(kin,
                          std::vector<std::string>(context.ahead.begin(), context.ahead.end()));
        return number(static_cast<double>(i));
      };
      call.units.push_back(std::move(made));
    }
    return call;
  });
  const auto ended = run(comm, options(), {experiment({kindred})});
  EXPECT_EQ(ended.values("kindred").size(), 12U);
  EXPECT_EQ(ended.values("kindred").back(), 11) << "the archive keeps the order of the units";
  EXPECT_EQ(total(comm, static_cast<int>(seen.size())), 12);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const auto& [kin, ahead] = seen[i];
    if (kin.empty()) {
      EXPECT_TRUE(ahead.empty()) << "those on their own come first";
    }
    if (i > 0) {
      EXPECT_LE(seen[i - 1].first, kin);
    }
    for (std::size_t next = 0; next < ahead.size(); ++next)
      EXPECT_EQ(ahead[next], seen.at(i + 1 + next).first);
  }
  if (comm.size() == 1) {
    EXPECT_EQ(seen[4].second.size(), 7U);
  }
}

TEST_F(JobTest, UnitsThatNeedTheDeviceAreTheRoots) {
  const auto ended = run(comm, options(), {experiment({squares(5, done, Placement::alone)})});
  EXPECT_EQ(ended.values("squares"), square_numbers(5));
  EXPECT_EQ(done, comm.is_root() ? 5 : 0);
}

TEST_F(JobTest, ASecondRunDoesWhatIsNew) {
  run(comm, options(), {experiment({squares(10, done)})});
  done = 0;
  const auto again = run(comm, options(), {experiment({squares(10, done)})});
  EXPECT_EQ(total(comm, done), 0);
  EXPECT_EQ(again.outcome, Outcome::done);
  const auto more = run(comm, options(), {experiment({squares(13, done)})});
  EXPECT_EQ(total(comm, done), 3);
  EXPECT_EQ(more.values("squares"), square_numbers(13));
  const auto fewer = run(comm, options(), {experiment({squares(4, done)})});
  EXPECT_EQ(fewer.values("squares"), square_numbers(4));
}

TEST_F(JobTest, PointsShareUnits) {
  const auto ended =
      run(comm, options(), {experiment({squares(10, done)}), experiment({squares(12, done)})});
  EXPECT_EQ(total(comm, done), 12);
  EXPECT_EQ(ended.ledger.stages.at(0).units.size(), 12u);
  EXPECT_EQ(
      archive::table(archive::select(ended.contents, 0), "squares").fields.front().shape.front(),
      10u);
  EXPECT_EQ(
      archive::table(archive::select(ended.contents, 1), "squares").fields.front().shape.front(),
      12u);
}

// Rounds are added until a rule is met that only results can meet.
TEST_F(JobTest, AStageNamesFurtherUnitsUntilItIsDone) {
  const auto rounds = stage("rounds", [this](const batch::Results& results) {
    batch::Call call;
    double sum = 0;
    for (std::size_t round = 0; sum < 6; ++round) {
      call.units.push_back(unit("rounds", round, [this, round](batch::Context&) {
        ++done;
        return number(static_cast<double>(round));
      }));
      const auto* known = results.find(call.units.back().key);
      if (known == nullptr) {
        call.may_come = 9 - round;
        break;
      }
      sum += number(known->fields);
    }
    return call;
  });
  const auto ended = run(comm, options(), {experiment({rounds})});
  EXPECT_EQ(ended.values("rounds"), (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(total(comm, done), 4);
  EXPECT_EQ(ended.ledger.stages.at(0).may_come, 0u);
}

batch::Stage failing(std::size_t which, const bool& mended) {
  return stage("failing", [=, &mended](const batch::Results&) {
    batch::Call call;
    for (std::size_t i = 0; i < 6; ++i)
      call.units.push_back(unit("failing", i, [=, &mended](batch::Context&) {
        if (i == which && !mended) throw Error(ErrorKind::input, "it is not a number");
        return number(static_cast<double>(i));
      }));
    return call;
  });
}

TEST_F(JobTest, AUnitThatFailsIsRecordedAndTheRestGoesOn) {
  bool mended = false;
  const auto ended = run(comm, options(), {experiment({failing(2, mended), squares(3, done)})});
  EXPECT_EQ(ended.outcome, Outcome::failed);
  EXPECT_EQ(ended.values("failing"), (std::vector<double>{0, 1, 3, 4, 5}));
  EXPECT_EQ(total(comm, done), 3);
  const auto& failures = archive::table(ended.contents, "failures").fields;
  EXPECT_EQ(archive::texts(failures, "stage").at(0), "failing");
  EXPECT_EQ(archive::texts(failures, "reason").at(0), "failing 2: it is not a number");
  const auto standing = read_standing(folder.path());
  EXPECT_EQ(standing.stages.at(0).failed, 1u);
  EXPECT_EQ(standing.stages.at(0).done, 5u);

  mended = true;
  EXPECT_EQ(run(comm, options(), {experiment({failing(2, mended)})}).outcome, Outcome::failed);
  auto again = options();
  again.retry_failed = true;
  EXPECT_EQ(run(comm, again, {experiment({failing(2, mended)})}).outcome, Outcome::done);
}

// A stage that builds on failed units says so and names none of its own.
batch::Stage sum_of(const std::string& table, std::size_t count) {
  return stage("sum", [=](const batch::Results& results) {
    batch::Call call;
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto key = table + "." + std::to_string(i);
      if (const auto reason = results.failure(key)) call.obstacles.push_back(*reason);
      if (const auto* record = results.find(key))
        sum += number(record->fields);
      else
        call.is_forecast = true;
    }
    call.units.push_back(unit("sum", 0, [sum](batch::Context&) { return number(sum); }));
    return call;
  });
}

TEST_F(JobTest, WhatBuildsOnFailedUnitsIsLeftOut) {
  const bool mended = false;
  const auto ended = run(comm, options(), {experiment({failing(2, mended), sum_of("failing", 6)})});
  EXPECT_EQ(ended.outcome, Outcome::failed);
  EXPECT_ERROR(archive::table(ended.contents, "sum"), ErrorKind::input, "no table 'sum'");
  EXPECT_EQ(ended.ledger.stages.at(1).left_out,
            std::vector<std::string>{"failing 2: it is not a number"});
}

TEST_F(JobTest, AStageSeesTheResultsOfEarlierOnes) {
  const auto ended = run(comm, options(), {experiment({squares(4, done), sum_of("squares", 4)})});
  EXPECT_EQ(ended.values("sum"), std::vector<double>{14});
}

TEST_F(JobTest, AStageThatIsEnteredTooEarlyIsAnError) {
  try {
    run(comm, options(), {experiment({sum_of("squares", 4)})});
    FAIL();
  } catch (const parallel::SharedError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_NE(std::string(error.what()).find("sum was entered before"), std::string::npos);
  }
}

TEST_F(JobTest, UnitsOfAnotherArchiveNeedNotBeDone) {
  run(comm, options(), {experiment({squares(10, done)})});
  done = 0;
  const SharedFolder other(comm);
  const auto ended = run(comm, {other.path()}, {experiment({squares(12, done)})},
                         read_donor(folder.path() / "archive.h5"));
  EXPECT_EQ(total(comm, done), 2);
  EXPECT_EQ(ended.values("squares"), square_numbers(12));
}

// An error of the environment is no unit's result: the job ends, and goes on where it was.
TEST_F(JobTest, AUnitThatEndsTwoJobsIsGivenUp) {
  if (comm.size() > 1) GTEST_SKIP() << "an error of one rank alone aborts all of them";
  bool lost = true;
  const auto points = std::vector{experiment({stage("device", [&](const batch::Results&) {
    batch::Call call;
    for (std::size_t i = 0; i < 4; ++i)
      call.units.push_back(unit("device", i, [&lost, this, i](batch::Context&) {
        ++done;
        if (i == 2 && lost) throw Error(ErrorKind::environment, "the device is lost.");
        return number(1);
      }));
    return call;
  })})};
  const auto message = [&] {
    try {
      run(comm, options(), points);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::environment);
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message(),
            "device 2: the device is lost. Finished units are stored; the same command goes on "
            "with this one.");
  EXPECT_EQ(done, 3);
  EXPECT_EQ(read_standing(folder.path()).stages.at(0).done, 2u);
  EXPECT_NE(message().find("ended the job before this one, too"), std::string::npos);
  EXPECT_EQ(done, 4);
  EXPECT_EQ(run(comm, options(), points).outcome, Outcome::failed);
  EXPECT_EQ(done, 5);
  lost = false;
  auto again = options();
  again.retry_failed = true;
  EXPECT_EQ(run(comm, again, points).outcome, Outcome::done);
}

TEST_F(JobTest, OutOfMemoryEndsTheJob) {
  if (comm.size() > 1) GTEST_SKIP() << "an error of one rank alone aborts all of them";
  const auto points = std::vector{experiment({stage("large", [](const batch::Results&) {
    return batch::Call{
        {unit("large", 0, [](batch::Context&) -> batch::Product { throw std::bad_alloc(); })}};
  })})};
  try {
    run(comm, options(), points);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    EXPECT_NE(std::string(error.what()).find("large 0: out of memory"), std::string::npos);
  }
}

}  // namespace
}  // namespace gainsweep::job
