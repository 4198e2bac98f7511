#include "parallel/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "unit/throws.hpp"

namespace gainsweep::parallel {
namespace {

using Views = std::vector<DeviceView>;
using testing::HasSubstr;

// Ranks 10, 11, … of a node that all see the same devices.
Views equal_views(int ranks, const std::vector<std::string>& devices) {
  Views views;
  for (int rank = 0; rank < ranks; ++rank) views.push_back({10 + rank, devices});
  return views;
}

std::vector<std::size_t> places(const Views& node) {
  std::vector<std::size_t> found;
  for (std::size_t local = 0; local < node.size(); ++local)
    found.push_back(device_of(local, node, "cuda", "n1"));
  return found;
}

// Every rank of the node must say the same or be served.
std::string refusal(const Views& node) {
  try {
    places(node);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::environment);
    return error.what();
  }
}

TEST(DevicePlace, IsTheLocalRankWhereAllSeeTheSame) {
  EXPECT_EQ(places(equal_views(1, {"0"})), (std::vector<std::size_t>{0}));
  EXPECT_EQ(places(equal_views(3, {"0", "1", "2"})), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(places(equal_views(2, {"4", "5", "6", "7"})), (std::vector<std::size_t>{0, 1}));
}

TEST(DevicePlace, IsTheOnlyOneWhereTheLauncherGaveEachItsOwn) {
  EXPECT_EQ(places({{0, {"2"}}, {1, {"0"}}, {2, {"1"}}}), (std::vector<std::size_t>{0, 0, 0}));
}

TEST(DevicePlace, IsTheFirstThatIsFree) {
  EXPECT_EQ(places({{0, {"a", "b"}}, {1, {"a", "c"}}, {2, {"b", "c", "d"}}}),
            (std::vector<std::size_t>{0, 1, 0}));
}

TEST(DevicePlace, RefusesMoreRanksThanDevices) {
  const auto message = refusal(equal_views(4, {"0", "1"}));
  EXPECT_THAT(message, HasSubstr("rank 12 and rank 10 on node n1 would share cuda device 0 (4 "
                                 "ranks, 2 devices"));
  EXPECT_THAT(message, HasSubstr("Start at most 2 ranks on a node"));
}

TEST(DevicePlace, ServesTheRanksBeforeTheOneThatIsRefused) {
  const auto node = equal_views(3, {"0", "1"});
  EXPECT_EQ(device_of(1, node, "cuda", "n1"), 1u);
  EXPECT_ERROR(device_of(2, node, "cuda", "n1"), ErrorKind::environment, "would share cuda device");
}

TEST(DevicePlace, RefusesTwoRanksThatWereGivenOneDevice) {
  EXPECT_THAT(refusal({{0, {"3"}}, {1, {"3"}}}),
              HasSubstr("rank 1 and rank 0 on node n1 would share cuda device 3"));
}

TEST(DevicePlace, RefusesARankThatSeesNone) {
  EXPECT_THAT(refusal({{0, {"0"}}, {7, {}}}), HasSubstr("rank 7 on node n1 sees no cuda device"));
}

}  // namespace
}  // namespace gainsweep::parallel
