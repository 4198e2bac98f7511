#include "job/usage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "archive/field.hpp"

namespace gainsweep::job {
namespace {

using testing::DoubleEq, testing::ElementsAre, testing::IsNan;

TEST(Meter, SeesMemoryThatIsGoneAtTheEnd) {
  Meter meter;
  meter.begin("big");
  {
    std::vector<char> touched(std::size_t{64} << 20, 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(400));  // for some looks
    EXPECT_EQ(touched[4711], 1);
  }
  const auto big = meter.end();
  meter.begin("small");
  const auto small = meter.end();
  EXPECT_EQ(big.stage, "big");
  EXPECT_GT(big.peak.anonymous, small.peak.anonymous + (std::int64_t{48} << 20));
  EXPECT_GT(big.peak.mapped, 0);
  EXPECT_GE(big.wall_seconds, 0.4);
  EXPECT_LT(big.processor_seconds, big.wall_seconds);
}

TEST(Usages, CrossRanksAsText) {
  const std::vector<Usage> usages{{"score", 1.5, 2.25, {100, 200}, 3.5}, {"anchor", 0, 0, {}, {}}};
  const auto back = to_usages(to_text(usages));
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[0].stage, "score");
  EXPECT_EQ(back[0].wall_seconds, 1.5);
  EXPECT_EQ(back[0].processor_seconds, 2.25);
  EXPECT_EQ(back[0].peak.anonymous, 100);
  EXPECT_EQ(back[0].peak.mapped, 200);
  EXPECT_EQ(back[0].joules, 3.5);
  EXPECT_EQ(back[1].joules, std::nullopt);
  EXPECT_TRUE(to_usages(to_text({})).empty());
}

TEST(Usages, AreRowsOfStagesAndRanks) {
  const auto table = usage_table({{{"score", 1, 2, {3, 4}, 5}}, {{"score", 6, 7, {8, 9}, {}}}});
  EXPECT_EQ(table.nature, archive::Nature::measured);
  EXPECT_THAT(archive::texts(table.fields, "stage"), ElementsAre("score", "score"));
  EXPECT_THAT(archive::integers(table.fields, "rank"), ElementsAre(0, 1));
  EXPECT_THAT(archive::integers(table.fields, "anonymous_bytes"), ElementsAre(3, 8));
  EXPECT_THAT(archive::reals(table.fields, "joules"), ElementsAre(DoubleEq(5), IsNan()));
}

}  // namespace
}  // namespace gainsweep::job
