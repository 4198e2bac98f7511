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

TEST(Log, LeavesOutWhatMattersLess) {
  ::testing::internal::CaptureStderr();
  set_log_level(LogLevel::warning);
  EXPECT_FALSE(logs(LogLevel::info));
  EXPECT_TRUE(logs(LogLevel::error));
  log_line("how it goes");
  log_line("what failed", LogLevel::warning);
  set_log_level(LogLevel::info);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "what failed\n");
}

TEST(Log, ALayoutIsToldThePlace) {
  ::testing::internal::CaptureStderr();
  set_log_layout([](const LogEntry& entry) {
    return entry.stage + "/" + entry.unit + "/" + std::to_string(entry.rank) + ": " + entry.text;
  });
  EXPECT_FALSE(log_is_plain());
  log_line("before");
  {
    const LogPlace stage("score", "");
    {
      const LogPlace unit("", "sample 3");
      log_line("in it");
    }
    log_line("between");
  }
  log_line("after");
  set_log_layout({});
  EXPECT_TRUE(log_is_plain());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "//0: before\nscore/sample 3/0: in it\nscore//0: between\n//0: after\n");
}

}  // namespace
}  // namespace gainsweep
