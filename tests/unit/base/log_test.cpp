#include "base/log.hpp"

#include <gtest/gtest.h>

namespace gainsweep {
namespace {

std::string printed(int rank, int num_ranks, const std::string& text) {
  ::testing::internal::CaptureStderr();
  set_log_rank(rank, num_ranks);
  log_line(text);
  set_log_rank(0, 1);
  return ::testing::internal::GetCapturedStderr();
}

TEST(Log, NamesTheRankWhereThereAreSeveral) {
  EXPECT_EQ(printed(0, 1, "hello"), "hello\n");
  EXPECT_EQ(printed(2, 4, "hello"), "[rank 2] hello\n");
}

}  // namespace
}  // namespace gainsweep
