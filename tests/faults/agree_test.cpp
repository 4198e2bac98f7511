#include "parallel/agree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gainsweep::parallel {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// What `act` throws, as text; empty when it does not.
template <class Act>
std::string thrown(Act act) {
  try {
    act();
    return "";
  } catch (const SharedError& error) {
    return error.what();
  }
}

TEST(Together, PassesWhenNobodyThrows) {
  const auto comm = Comm::world();
  EXPECT_EQ(thrown([&] { together(comm, [] {}); }), "");
}

TEST(Together, GivesEveryRankTheErrorOfTheFirstThatThrew) {
  const auto comm = Comm::world();
  const int culprit = comm.size() / 2;
  try {
    together(comm, [&] {
      if (comm.rank() >= culprit) throw Error(ErrorKind::input, "no such file");
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SharedError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    const auto where = culprit > 0 ? "rank " + std::to_string(culprit) + ": " : "";
    EXPECT_EQ(error.what(), where + "no such file");
  }
}

TEST(Together, NamesNoRankWhenAllFailAlike) {
  const auto comm = Comm::world();
  const auto message =
      thrown([&] { together(comm, [] { throw Error(ErrorKind::config, "wrong"); }); });
  EXPECT_EQ(message, "wrong");
}

TEST(Together, MakesOtherExceptionsInternal) {
  const auto comm = Comm::world();
  try {
    together(comm, [] { throw std::runtime_error("surprise"); });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const SharedError& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
  }
}

TEST(Agree, NamesRankAndWhatDiffers) {
  const auto comm = Comm::world();
  if (comm.size() == 1) GTEST_SKIP() << "one rank agrees with itself";
  const int last = comm.size() - 1;
  const std::string spec =
      "seed: 0\nthreads: " + std::to_string(comm.rank() == last ? 2 : 1) + "\nname: same\n";
  const auto message = thrown([&] {
    agree(comm, {{"program", "1", ErrorKind::environment}, {"spec", spec, ErrorKind::config}});
  });
  EXPECT_THAT(message, StartsWith("rank " + std::to_string(last) + " has another spec"));
  EXPECT_THAT(message, HasSubstr("'threads: 2', but rank 0 has 'threads: 1'"));
}

TEST(Agree, ShortensLongValues) {
  const auto comm = Comm::world();
  if (comm.size() == 1) GTEST_SKIP() << "one rank agrees with itself";
  const auto value = std::string(5'000, 'x') + (comm.rank() == 0 ? "a" : "b");
  const auto message = thrown([&] { agree(comm, {{"digest", value}}); });
  EXPECT_THAT(message, HasSubstr("xb"));
  EXPECT_LT(message.size(), 600U);
}

TEST(Agree, PassesOnEqualClaims) {
  const auto comm = Comm::world();
  EXPECT_EQ(thrown([&] { agree(comm, {{"program", "1"}, {"spec", ""}}); }), "");
}

}  // namespace
}  // namespace gainsweep::parallel
